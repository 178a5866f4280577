"""What news does to an order we know: pure, so that any order of arrival can be tried.

An order only goes forward. The first moment said of a thing holds; cancelled or refunded is the end
and absorbs whatever comes after; consent that was not spoken of may still be given, and once it was
refused or taken back no news gives it again, because news has no order.

A buyer who was forgotten comes back in one case: nobody was asked because the buyer was not
registered, and the shop tells us more of the order. Whoever registered in between, as the card
after an order offers, is then found; of anybody else the news is forgotten again.
"""

from datetime import datetime
from typing import Any

from trustsvc.orders.received import OrderReceived

Row = dict[str, Any]

MOMENTS = ("paid_at", "shipped_at", "delivered_at", "cancelled_at", "refunded_at")
SAID = {name: name.removesuffix("_at") for name in MOMENTS} | {"unpaid": "paid"}
BUYER = ("reference", "email", "name", "buyer", "locale")
ONWARD = frozenset({"paid_at", "shipped_at", "delivered_at"})
CHANGING = (*MOMENTS, "consent", "unpaid", "state")


def row(key: tuple[int, bytes], order: OrderReceived, buyer: bytes | None, now: datetime) -> Row:
    """Write an order down for the first time."""
    return {
        "shop_id": key[0],
        "identity": key[1],
        "reference": order.reference,
        "email": order.email,
        "name": order.name,
        "buyer": buyer,
        "locale": order.locale,
        "consent": order.consent,
        "state": "received",
        "unpaid": bool(order.unpaid),
        "created_at": order.created_at,
        "received_at": now,
        "has_buyer": True,
    } | {name: getattr(order, name) for name in MOMENTS}


def trace(key: tuple[int, bytes], order: OrderReceived, now: datetime) -> Row:
    """Write down only that there was an order, and that it is over."""
    nobody = dict.fromkeys(("reference", "email", "name", "buyer", "locale", "consent"))
    return row(key, order, None, now) | nobody | {"state": "settled", "has_buyer": False}


def stored(found: Row) -> Row:
    return {name: value for name, value in found.items() if name != "has_buyer"}


def merge(found: Row, order: OrderReceived, buyer: bytes | None) -> tuple[Row, list[str]]:
    """Take up what is new; gives the row as it is then, and the names of what changed.

    A buyer who was forgotten is never taken in again by a repetition: after that only the end of
    the order is news, because an invitation may still be open. `not_registered` is why the buyer
    was forgotten where that was the reason.
    """
    if found["cancelled_at"] or found["refunded_at"]:
        return found, []
    new: Row = {
        name: getattr(order, name) for name in MOMENTS if getattr(order, name) and not found[name]
    }
    if order.consent is not None and found["consent"] not in {order.consent, False}:
        new["consent"] = order.consent
    if found["unpaid"] and (order.unpaid is False or new.get("paid_at")):
        new["unpaid"] = False
    again: Row = {}
    if not found["has_buyer"]:
        if found.get("not_registered") and buyer and ONWARD & set(new) and not order.is_over:
            again = row((0, b""), order, buyer, order.created_at)
            again = {name: again[name] for name in (*BUYER, "has_buyer")}
        else:
            new = {name: new[name] for name in ("cancelled_at", "refunded_at") if name in new}
    if not new:
        return found, []
    return found | new | again | {"state": "received"}, list(
        dict.fromkeys(SAID.get(name, name) for name in new)
    )
