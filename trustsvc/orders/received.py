"""What a platform parser makes of a webhook: five fields, the order's state, and nothing else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

IgnoreReason = Literal[
    "ping",
    "test_order",
    "no_address",
    "cancelled",
    "refunded",
    "unknown_topic",
    "draft",
    "too_old",
]


@dataclass(frozen=True, slots=True, repr=False)
class OrderReceived:
    """An order, or news about one, as the shop's platform tells it.

    `identity` is the platform's stable id of the order; it is only ever kept as a keyed mark.
    `reference` is the number shown to people. `email` is empty where the platform names none, such
    as in news of a refund. `unpaid` and `consent` are None where the body does not say.
    """

    identity: str
    created_at: datetime
    reference: str = ""
    email: str = ""
    name: str = ""
    locale: str = ""
    consent: bool | None = None
    unpaid: bool | None = None
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None
    refunded_at: datetime | None = None
    delivery_id: str | None = None

    def __repr__(self) -> str:
        return "OrderReceived()"

    @property
    def is_over(self) -> bool:
        """Cancelled or refunded: never to be asked about."""
        return self.cancelled_at is not None or self.refunded_at is not None

    @property
    def is_news(self) -> bool:
        """It says something that matters to an order we already know."""
        return self.is_over or any((self.paid_at, self.shipped_at, self.delivered_at))

    @property
    def newest(self) -> datetime:
        """The last thing that happened to it as an order."""
        moments = (self.created_at, self.paid_at, self.shipped_at, self.delivered_at)
        return max(moment for moment in moments if moment)


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood, and nothing for us to do; the code says why."""

    reason: IgnoreReason


@dataclass(frozen=True, slots=True, repr=False)
class PrivacyRequestReceived:
    """A platform passes on what a buyer asked about personal data, or that its shop has gone.

    `orders` are the platform's ids; `email` is empty where it names none.
    """

    kind: Literal["access", "erase", "erase_shop"]
    email: str = ""
    orders: tuple[str, ...] = ()
    delivery_id: str | None = None

    def __repr__(self) -> str:
        return f"PrivacyAsked({self.kind!r})"
