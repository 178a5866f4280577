"""What an order says, as far as it decides about its invitation. Pure."""

from dataclasses import dataclass
from datetime import datetime

from trustsvc.orders.platform_status import ENDED, ParcelState, PlatformStatus


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """`paid` and `fulfilled` are None where the platform never tells."""

    platform_status: PlatformStatus
    dispute: PlatformStatus | None
    returns: PlatformStatus | None
    consent: bool | None
    consent_at: datetime | None
    received_at: datetime
    paid: bool | None
    fulfilled: bool | None
    delivery: ParcelState | None
    skip: str | None
    date_unreadable: bool
    created_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    delivery_at: datetime | None

    @property
    def whole_status(self) -> PlatformStatus:
        """The platform_status, with an open dispute or return: an end counts before a wait."""
        every = [one for one in (self.platform_status, self.dispute, self.returns) if one]
        ended = [one for one in every if one in ENDED]
        waits = [one for one in every if one is not PlatformStatus.OPEN]
        return (ended or waits or [PlatformStatus.OPEN])[0]

    @property
    def delivered_at(self) -> datetime | None:
        """When it was delivered, unless another parcel left since."""
        if self.delivery is not ParcelState.DELIVERED or self.delivery_at is None:
            return None
        is_sent_again = self.shipped_at is not None and self.shipped_at > self.delivery_at
        return None if is_sent_again else self.delivery_at
