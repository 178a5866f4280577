"""How each platform's API is asked for orders and webhooks: pure functions, no network."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from trustsvc.http.exchange import HttpAnswer, HttpRequest
from trustsvc.orders.catch_up.paging import OrderPage, Position
from trustsvc.orders.catch_up.platforms import lightspeed, shopify, woocommerce
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials, ApiWebhook


class ShopApi(Protocol):
    """One platform's API.

    `LISTS` are the lists that together hold every order, the last one is the one that grows.
    `OVERLAP` is how far before the last order a run begins again. `HEADERS` tell the parser that
    an order was updated.
    """

    PAGE_SIZE: int
    LISTS: Sequence[str]
    OVERLAP: timedelta
    HEADERS: Mapping[str, str]

    def is_host(self, host: str, /) -> bool: ...

    def default_url(self, domain: str, language: str, /) -> str: ...

    def token_request(self, credentials: ApiCredentials, /) -> HttpRequest | None: ...

    def orders_request(
        self, credentials: ApiCredentials, listed: str, position: Position, /
    ) -> HttpRequest: ...

    def read_orders(
        self, answer: HttpAnswer, position: Position, now: datetime, /
    ) -> OrderPage: ...

    def webhooks_request(self, credentials: ApiCredentials, /) -> HttpRequest | None: ...

    def read_webhooks(self, body: bytes, /) -> Sequence[ApiWebhook]: ...

    def enable_request(self, credentials: ApiCredentials, webhook_id: str, /) -> HttpRequest: ...


APIS: Mapping[str, ShopApi] = {
    "woocommerce": woocommerce,
    "shopify": shopify,
    "lightspeed": lightspeed,
}
