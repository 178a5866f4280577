"""News of an order, with what is computed from it before it is merged, and its time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trustsvc.orders.received import OrderReceived

CLOCK_AHEAD = timedelta(minutes=10)
AT_CREATION = datetime(2000, 1, 1, tzinfo=UTC)  # older than any news


@dataclass(frozen=True, slots=True, repr=False)
class OrderNews:
    """What an order says, with the pseudonym of its buyer and the reason to skip it."""

    order: OrderReceived
    buyer_pseudonym: bytes | None
    skip: str | None
    arrived_at: datetime
    claim: bytes | None = None  # the keyed hash of its dispute or return
    parcel: bytes | None = None
    details: Mapping[str, str] | None = None  # of each field that it states, why it is skipped

    @property
    def as_of(self) -> datetime:
        """When this was true: the platform's time, or that of arrival in whole seconds."""
        if self.order.is_creation:
            return AT_CREATION
        at = self.order.modified_at if self.is_timed else None
        return at or self.arrived_at.replace(microsecond=0)

    @property
    def is_timed(self) -> bool:
        """Whether the platform gave a time, and not one of a clock that is far ahead."""
        at = self.order.modified_at
        return self.order.is_creation or (at is not None and at <= self.arrived_at + CLOCK_AHEAD)
