"""What a platform says of an order and its parcel. Pure."""

from enum import StrEnum


class PlatformStatus(StrEnum):
    """What the platform says of the whole order. The newest counts, so none of them is final."""

    OPEN = "open"
    ON_HOLD = "on_hold"
    DISPUTED = "disputed"
    RETURN_OPEN = "return_open"
    REFUND_OPEN = "refund_open"  # money went back, and only the order itself tells how much
    OTHER_STATUS = "other_status"  # a status of the shop's own
    CANCELLED = "cancelled"
    REFUNDED = "refunded"  # in full
    RETURNED = "returned"
    CHARGEBACK = "chargeback"


ENDED = frozenset(
    {
        PlatformStatus.CANCELLED,
        PlatformStatus.REFUNDED,
        PlatformStatus.RETURNED,
        PlatformStatus.CHARGEBACK,
    }
)


class ParcelState(StrEnum):
    """The carrier's newest word on the parcel."""

    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    FAILED = "delivery_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    SCHEDULED = "scheduled"


NOT_DELIVERED = frozenset({ParcelState.FAILED, ParcelState.READY_FOR_PICKUP, ParcelState.SCHEDULED})
