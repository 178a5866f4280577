"""Lightspeed eCom's (C-Series) API, of the cluster the shop is on.

developers.lightspeedhq.com/ecom/endpoints/order: `updated_at_min` and `updated_at_max` as
YYYY-MM-DD HH:MM:SS without a zone, `limit` up to 250, `page`. The zone is not documented: a run
begins early enough for every zone behind UTC. What a webhook embeds, such as credit notes, is only
linked in a list, so a refund shows here by `paymentStatus` alone.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from trustsvc.http.exchange import HttpAnswer, HttpRequest
from trustsvc.orders.catch_up import paging
from trustsvc.orders.catch_up.paging import OrderPage, Position
from trustsvc.orders.catch_up.platforms import credentials
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials, ApiWebhook
from trustsvc.orders.platforms import fields

PAGE_SIZE = 100
LISTS: Sequence[str] = ("orders",)
OVERLAP = timedelta(hours=13)
HEADERS: Mapping[str, str] = {"X-Event": "orders/updated"}
HOSTS = ("api.webshopapp.com", "api.shoplightspeed.com")  # the clusters eu1 and us1


def is_host(host: str) -> bool:
    return host in HOSTS


def default_url(_domain: str, language: str) -> str:
    """Give the European cluster; a language is part of each address."""
    return f"https://{HOSTS[0]}/{language}"


def token_request(_credentials: ApiCredentials) -> None:
    return None


def orders_request(opens: ApiCredentials, _listed: str, position: Position) -> HttpRequest:
    query: dict[str, str | int] = {
        "updated_at_min": _plain(position.lower),
        "limit": position.size,
        "page": position.page,
    }
    if position.upper:
        query["updated_at_max"] = _plain(position.upper)
    return credentials.get(f"{opens.base_url}/orders.json", query, credentials.basic(opens))


def read_orders(answer: HttpAnswer, position: Position, now: datetime) -> OrderPage:
    rows = paging.json_list(answer.body, "orders")
    orders = [
        credentials.listed(row, {"order": row}, fields.moment(row, now, "updatedAt"))
        for row in rows
    ]
    return OrderPage(orders, len(rows) >= position.size)


def webhooks_request(opens: ApiCredentials) -> HttpRequest:
    return credentials.get(
        f"{opens.base_url}/webhooks.json", {"limit": 250}, credentials.basic(opens)
    )


def read_webhooks(body: bytes) -> Sequence[ApiWebhook]:
    return [
        ApiWebhook(
            fields.text(row, "id"),
            fields.text(row, "address"),
            "active" if fields.flag(row, "isActive") else "disabled",
        )
        for row in paging.json_list(body, "webhooks")
        if fields.text(row, "id").isdecimal()
    ]


def enable_request(opens: ApiCredentials, webhook_id: str) -> HttpRequest:
    url = f"{opens.base_url}/webhooks/{int(webhook_id)}.json"
    return credentials.put(url, '{"webhook": {"isActive": true}}', credentials.basic(opens))


def _plain(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
