"""Parcels that WooCommerce's tracking plug-ins note with an order: what left, and when. Pure."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from trustsvc.orders.platform_status import ParcelState
from trustsvc.orders.platforms import amounts, dates, fields

TRACKING_META = ("_wc_shipment_tracking_items", "_ast_tracking_items", "_tracking_number")


@dataclass(frozen=True, slots=True)
class Sent:
    """Whether all of an order left, and when; `is_estimate`: only a change of it has a time."""

    is_all: bool
    at: datetime | None = None
    is_estimate: bool = False
    delivery: ParcelState | None = None
    delivery_at: datetime | None = None


def sent(tree: fields.Tree, estimate: datetime, changed: datetime, now: datetime) -> Sent:
    """Read the parcels. A date that is yet to come is a plan, and waits."""
    rows = _rows(tree)
    if not any(row.get("value") for row in rows):
        return Sent(False)
    parcels = _parcels(tree)
    read = [dates.read(parcel.get("date_shipped")) for parcel in parcels]
    if any(one and one > now + fields.CLOCK_TOLERANCE for one in read):
        return Sent(False, delivery=ParcelState.SCHEDULED, delivery_at=changed)
    if _is_part(tree, parcels):
        return Sent(False)
    stated = fields.latest(fields.moment(parcel, now, "date_shipped") for parcel in parcels)
    return Sent(
        True,
        stated or estimate,
        is_estimate=stated is None,
        delivery=ParcelState.IN_TRANSIT if stated else None,
        delivery_at=changed if stated else None,
    )


def has_garbled_date(tree: fields.Tree) -> bool:
    return any(fields.has_garbled_moment(parcel, "date_shipped") for parcel in _parcels(tree))


def _rows(tree: fields.Tree) -> list[fields.Tree]:
    rows = fields.rows(tree, "meta_data")
    return [row for row in rows if fields.text(row, "key") in TRACKING_META]


def _parcels(tree: fields.Tree) -> list[fields.Tree]:
    return [parcel for row in _rows(tree) for parcel in fields.rows(row, "value")]


def _is_part(tree: fields.Tree, parcels: list[fields.Tree]) -> bool:
    """Whether every parcel lists its products, and together they are not all of the order."""
    listed = [fields.rows(parcel, "products_list") for parcel in parcels]
    if not listed or not all(listed):
        return False
    packed: Counter[str] = Counter()
    for product in (one for products in listed for one in products):
        packed[fields.text(product, "item_id", "product")] += _count(product, "qty", "quantity")
    return any(
        packed[fields.text(item, "id")] + packed[fields.text(item, "product_id")]
        < _count(item, "quantity")
        for item in fields.rows(tree, "line_items")
    )


def _count(row: fields.Tree, *names: str) -> int:
    count = amounts.amount(row, *names)
    return int(count) if count is not None else 1
