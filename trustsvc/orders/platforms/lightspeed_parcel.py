"""What an order of Lightspeed tells of its parcel: by its status, and by that of the shipment."""

from datetime import datetime

from trustsvc.orders.platform_status import NOT_DELIVERED, ParcelState
from trustsvc.orders.platforms import carrier_words, fields

SHIPPED = {"completed_shipped", "completed_picked_up", "completed"}
PARTLY_SHIPPED = {"partially_shipped", "partly_shipped", "partial", "shipped_partially"}
NOT_SHIPPED = {"not_shipped", "unshipped", "unfulfilled", "awaiting_shipment"}
DELIVERIES = {
    "completed_picked_up": ParcelState.DELIVERED,
    "processing_ready_for_pickup": ParcelState.READY_FOR_PICKUP,
}
NOT_CARRIED = {"on_hold", "returned"}  # of the whole order


def estimated(state: ParcelState | None, *, is_stated: bool) -> frozenset[str]:
    """Name the aspects whose moment is only that of the last change."""
    if is_stated:
        return frozenset({"payment", *([] if state is ParcelState.DELIVERED else ["delivery"])})
    return frozenset({"payment", "fulfilment", "delivery"})


def is_fulfilled(order: fields.Tree, status: str) -> bool:
    """Whether all of it left."""
    word = shipment(order)
    is_picked_up = status == "completed_picked_up"
    if word in PARTLY_SHIPPED or (word in NOT_SHIPPED and not is_picked_up):
        return False
    return status in SHIPPED or word == "shipped"


def shipment(order: fields.Tree) -> str:
    """Give the word of the shipment."""
    return carrier_words.written(fields.text(order, "shipmentStatus"))


def delivery(order: fields.Tree, status: str) -> ParcelState | None:
    """Say how the parcel stands; a part that left is on its way."""
    word = shipment(order)
    carried = carrier_words.state_of(word) if word not in NOT_CARRIED else None
    if carried in NOT_DELIVERED:
        return carried
    if word in PARTLY_SHIPPED or status in PARTLY_SHIPPED:
        return ParcelState.IN_TRANSIT
    is_sent = word == "shipped" and status in SHIPPED
    return DELIVERIES.get(status) or carried or (ParcelState.IN_TRANSIT if is_sent else None)


def delivery_at(
    state: ParcelState | None, shipped_at: datetime | None, changed: datetime
) -> datetime | None:
    """Give when it arrived, or since when a carrier's word holds."""
    if state is None:
        return None
    return (shipped_at or changed) if state is ParcelState.DELIVERED else changed
