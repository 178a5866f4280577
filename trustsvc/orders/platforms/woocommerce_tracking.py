"""Parcels that WooCommerce's tracking plug-ins note with an order: what left, and when. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from trustsvc import input_limits
from trustsvc.orders.platform_status import ParcelState
from trustsvc.orders.platforms import amounts, carrier_words, dates, fields

TRACKING_META = ("_wc_shipment_tracking_items", "_ast_tracking_items", "_tracking_number")
CARRIER_META = ("ts_shipment_status", "shipment_status")  # TrackShip
_NOTED = {*TRACKING_META, *CARRIER_META}
NUMBERS = ("tracking_number", "tracking_id", "custom_tracking_link")
NO_NUMBER = {"", "-", "0", "no", "none", "null", "n/a", "na", "nvt", "n.v.t.", "geen", "undefined"}
_PHP = re.compile(r"(?:[aOC]:\d+:|N;|[bid]:[^;]*;)")  # serialize() of anything but a text
_PHP_FIELD = re.compile(
    r's:\d+:"(tracking_number|date_shipped)";(?:s:\d+:"([^"]{0,200})"|i:(\d{1,14}))'
)

_Notes = Sequence[tuple[str, object]]  # names and values


@dataclass(frozen=True, slots=True)
class Sent:
    """Whether all of an order left, and when; `is_estimate`: only a change of it has a time."""

    is_all: bool
    at: datetime | None = None
    is_estimate: bool = False
    delivery: ParcelState | None = None
    delivery_at: datetime | None = None

    @classmethod
    def part(cls, at: datetime) -> Self:
        """A part of the order is on its way."""
        return cls(False, delivery=ParcelState.IN_TRANSIT, delivery_at=at)


def notes(tree: fields.Tree) -> _Notes:
    """Read what tracking plug-ins note, each however often."""
    rows = fields.rows(tree, "meta_data")
    keyed = ((fields.text(row, "key"), row.get("value")) for row in rows)
    return [(key, value) for key, value in keyed if key in _NOTED]


def sent(tree: fields.Tree, dates_known: tuple[datetime, datetime], now: datetime) -> Sent:
    """Read the parcels. A date that is yet to come is a plan, and waits.

    `dates_known`: when it was sent by estimate, and when it was changed.
    """
    estimate, changed = dates_known
    parcels = _parcels(notes(tree))
    if not parcels:
        return Sent(False)
    read = [dates.read(parcel.get("date_shipped")) for parcel in parcels]
    if any(one and one > now + fields.CLOCK_TOLERANCE for one in read):
        return Sent(False, delivery=ParcelState.SCHEDULED, delivery_at=changed)
    if _is_part(tree, parcels):
        return Sent.part(changed)
    stated = fields.latest(fields.moment(parcel, now, "date_shipped") for parcel in parcels)
    return Sent(
        True,
        stated or estimate,
        is_estimate=stated is None,
        delivery=ParcelState.IN_TRANSIT if stated else None,
        delivery_at=changed if stated else None,
    )


def has_garbled_date(noted: _Notes) -> bool:
    return any(fields.has_garbled_moment(parcel, "date_shipped") for parcel in _parcels(noted))


def carried(noted: _Notes) -> ParcelState | None:
    """Say how the carriers see it, where a plug-in asked them."""
    values = [one for value in _values(noted, CARRIER_META) for one in _items(value)]
    stated = (
        fields.text(one, "status") or fields.text({"status": one}, "status") for one in values
    )
    return carrier_words.worst(carrier_words.state_of(word) for word in stated)


def _values(noted: _Notes, keys: tuple[str, ...]) -> list[object]:
    return [value for key, value in noted if key in keys]


def _parcels(noted: _Notes) -> list[fields.Tree]:
    """Give the parcels that have a number or a date; an emptied list says that none left."""
    found = [item for value in _values(noted, TRACKING_META) for item in _items(value)]
    numbered: list[fields.Tree] = [
        one if isinstance(one, dict) else {"tracking_number": fields.text({"n": one}, "n")}
        for one in found
    ]
    return [one for one in numbered if _is_number(one) or not dates.is_missing(_shipped(one))]


def _shipped(parcel: fields.Tree) -> object:
    return parcel.get("date_shipped")


def _is_number(parcel: fields.Tree) -> bool:
    return any(fields.word(parcel, name) not in NO_NUMBER for name in NUMBERS)


def _items(value: object) -> list[object]:
    """Give what a plug-in noted one by one: a list, an object by number, JSON, or PHP's text."""
    if isinstance(value, str):
        written = value.strip()
        if written[:1] in {"[", "{"}:
            try:
                value = input_limits.read_json(written.encode())
            except ValueError:
                return []
        elif _PHP.match(written):
            return list(_php_items(written))
    if isinstance(value, list):
        return value[: fields.MAX_ROWS]
    if isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
        return list(value.values())[: fields.MAX_ROWS]
    return [value] if value else []


def _php_items(written: str) -> Iterator[fields.Tree]:
    """Give the parcels of PHP's serialize(): each begins where a field comes again."""
    parcel: fields.Tree = {}
    for found in _PHP_FIELD.finditer(written):
        if found[1] in parcel:
            yield parcel
            parcel = {}
        parcel[found[1]] = found[2] or found[3] or ""
    if parcel:
        yield parcel


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
