"""Result of a platform parser: five fields and the order's state, nothing else."""

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
    """An order, or an update of one, as the shop's platform sends it.

    `identity` is the platform's stable id of the order; it is stored only as a keyed hash.
    `reference` is the number shown to people. `email` is empty if the platform sends none, such as
    with a refund. `unpaid` and `consent` are None if the body does not state them.
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
        """Cancelled or refunded: no invitation, ever."""
        return self.cancelled_at is not None or self.refunded_at is not None

    @property
    def is_update(self) -> bool:
        """It changes an order that is already known."""
        return self.is_over or any((self.paid_at, self.shipped_at, self.delivered_at))

    @property
    def newest(self) -> datetime:
        """Moment of the latest event, other than its end."""
        moments = (self.created_at, self.paid_at, self.shipped_at, self.delivered_at)
        return max(moment for moment in moments if moment)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A valid webhook without effect; the code says why."""

    reason: IgnoreReason


@dataclass(frozen=True, slots=True, repr=False)
class PrivacyRequestReceived:
    """A buyer's privacy request passed on by a platform, or the end of a shop there.

    `orders` are the platform's ids; `email` is empty if it sends none.
    """

    kind: Literal["access", "erase", "erase_shop"]
    email: str = ""
    orders: tuple[str, ...] = ()
    delivery_id: str | None = None

    def __repr__(self) -> str:
        return f"PrivacyRequestReceived({self.kind!r})"
