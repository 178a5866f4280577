"""WooCommerce's REST API v3.

`modified_after`, `modified_before` and `dates_are_gmt`: WC_REST_CRUD_Controller (WooCommerce 5.8).
`status=any` leaves out what is in the trash (WP_Query), which is a list of its own here. The key
needs "read"; "read/write" lets disabled webhooks be enabled again (WC_REST_Webhooks_Controller).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from trustsvc.http.exchange import HttpAnswer, HttpRequest
from trustsvc.orders.catch_up import paging
from trustsvc.orders.catch_up.paging import OrderPage, Position
from trustsvc.orders.catch_up.platforms import credentials
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials, ApiWebhook
from trustsvc.orders.platforms import fields

PAGE_SIZE = 50  # of 100: an order with the meta of many plug-ins can have 100 KB
LISTS: Sequence[str] = ("trash", "any")
OVERLAP = timedelta(minutes=10)
HEADERS: Mapping[str, str] = {"X-WC-Webhook-Topic": "order.updated"}
API = "/wp-json/wc/v3"
STATUSES: dict[str, Literal["active", "paused"]] = {"active": "active", "paused": "paused"}


def is_host(host: str) -> bool:
    """Any host may be a WordPress."""
    return bool(host)


def default_url(domain: str, _language: str) -> str:
    return f"https://{domain}"


def token_request(_credentials: ApiCredentials) -> None:
    return None


def orders_request(opens: ApiCredentials, listed: str, position: Position) -> HttpRequest:
    query: dict[str, str | int] = {
        "status": listed,
        "modified_after": _gmt(position.lower),
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "per_page": position.size,
        "page": position.page,
    }
    if position.upper:
        query["modified_before"] = _gmt(position.upper)
    return credentials.get(f"{opens.base_url}{API}/orders", query, credentials.basic(opens))


def read_orders(answer: HttpAnswer, position: Position, now: datetime) -> OrderPage:
    rows = paging.json_list(answer.body)
    orders = [
        credentials.listed(row, row, fields.moment(row, now, "date_modified_gmt")) for row in rows
    ]
    pages = answer.headers.get("x-wp-totalpages", "")
    has_more = pages.isdecimal() and int(pages) > position.page
    return OrderPage(orders, has_more or len(rows) >= position.size)


def webhooks_request(opens: ApiCredentials) -> HttpRequest:
    return credentials.get(
        f"{opens.base_url}{API}/webhooks", {"per_page": 100}, credentials.basic(opens)
    )


def read_webhooks(body: bytes) -> Sequence[ApiWebhook]:
    return [
        ApiWebhook(
            fields.text(row, "id"),
            fields.text(row, "delivery_url"),
            STATUSES.get(fields.word(row, "status"), "disabled"),
        )
        for row in paging.json_list(body)
        if fields.text(row, "id").isdecimal()
    ]


def enable_request(opens: ApiCredentials, webhook_id: str) -> HttpRequest:
    """Enable a webhook. Its count of failures stays, so the next failure disables it again."""
    url = f"{opens.base_url}{API}/webhooks/{int(webhook_id)}"
    return credentials.put(url, '{"status": "active"}', credentials.basic(opens))


def _gmt(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
