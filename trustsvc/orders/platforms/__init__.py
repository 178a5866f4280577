"""What each shop platform sends, parsed into an order by pure functions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from trustsvc.orders.platforms import lightspeed, shopify, standard, woocommerce
from trustsvc.orders.received import Ignored, OrderReceived, PrivacyRequestReceived


class Platform(Protocol):
    """Two pure functions: verify the signature, and parse the body."""

    def signed(
        self, headers: Mapping[str, str], body: bytes, secret: str, now: datetime
    ) -> bool: ...

    def parse(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> OrderReceived | PrivacyRequestReceived | Ignored: ...


PLATFORMS: Mapping[str, Platform] = {
    "shopify": shopify,
    "woocommerce": woocommerce,
    "lightspeed": lightspeed,
    "standard": standard,
}
