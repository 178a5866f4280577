"""Shopify's REST Admin API.

It is legacy since October 2024, and custom apps may go on using it (shopify.dev/docs/api/
admin-rest, 2026-10). It is used because its order is the body of a webhook, byte for byte in
meaning, so one parser reads both; GraphQL has other names for everything. `updated_at_min`,
`updated_at_max`, `status=any`, and pages by the `page_info` of the Link header
(.../usage/pagination-rest). Scope: read_orders, for the last 60 days.

Webhooks made in the admin are not shown by any API (.../resources/webhook), so their state is
hidden.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from urllib.parse import unquote, urlencode

from trustsvc.http.exchange import HttpAnswer, HttpRequest
from trustsvc.orders.catch_up import paging
from trustsvc.orders.catch_up.paging import OrderPage, Position
from trustsvc.orders.catch_up.platforms import credentials
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials, ApiWebhook
from trustsvc.orders.platforms import fields

PAGE_SIZE = 50  # of 250: an order with many lines can have 100 KB
LISTS: Sequence[str] = ("orders",)
OVERLAP = timedelta(minutes=10)
HEADERS: Mapping[str, str] = {"X-Shopify-Topic": "orders/updated"}
VERSION = "2026-10"  # one that is no longer supported is answered as the oldest supported one
MAX_LINK = 8 * 1024  # of the header with the next page and the one before
NEXT_PAGE = re.compile(
    r"<[^<>]*[?&]page_info=([A-Za-z0-9_=%-]{1,2000}+)[^<>]*+>\s*;\s*rel=\"?next\"?"
)


def is_host(host: str) -> bool:
    return re.fullmatch(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", host) is not None


def default_url(domain: str, _language: str) -> str:
    return f"https://{domain}"  # refused where it is not the one of the admin


def token_request(opens: ApiCredentials) -> HttpRequest | None:
    """Exchange an app's client id and secret for a token of 24 hours; a token needs none.

    Apps made since January 2026 get no token to keep (shopify.dev: client credentials grant).
    """
    if not opens.key:
        return None
    form = {
        "grant_type": "client_credentials",
        "client_id": opens.key,
        "client_secret": opens.secret,
    }
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    url = f"{opens.base_url}/admin/oauth/access_token"
    return HttpRequest(url, "POST", headers, urlencode(form).encode())


def orders_request(opens: ApiCredentials, _listed: str, position: Position) -> HttpRequest:
    """Ask for a page. With page_info no other filter may be given."""
    query: dict[str, str | int] = {"limit": position.size}
    if position.token:
        query["page_info"] = position.token
    else:
        query |= {"status": "any", "updated_at_min": _iso(position.lower)}
        if position.upper:
            query["updated_at_max"] = _iso(position.upper)
    url = f"{opens.base_url}/admin/api/{VERSION}/orders.json"
    return credentials.get(url, query, {"X-Shopify-Access-Token": opens.secret})


def read_orders(answer: HttpAnswer, _position: Position, now: datetime) -> OrderPage:
    """Read a page. Of the link to the next one only its token is taken: we choose the host."""
    orders = [
        credentials.listed(row, row, fields.moment(row, now, "updated_at"))
        for row in paging.json_list(answer.body, "orders")
    ]
    found = NEXT_PAGE.search(answer.headers.get("link", "")[:MAX_LINK])
    return OrderPage(orders, found is not None, unquote(found[1]) if found else "")


def webhooks_request(_credentials: ApiCredentials) -> None:
    return None


def read_webhooks(_body: bytes) -> Sequence[ApiWebhook]:
    return ()


def enable_request(_credentials: ApiCredentials, _webhook_id: str) -> NoReturn:
    raise NotImplementedError


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
