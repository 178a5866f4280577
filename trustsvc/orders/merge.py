"""Merge news into a known order. Pure, so that every sequence of arrival can be tested.

An order is a set of aspects (aspects.py), so any permutation and repetition of its history ends
in the same row.

An erased buyer is stored again only if `accepts_buyer` is set: the order had ended or did not
qualify, and newer news may reopen it. A buyer erased for another reason stays erased.
"""

from collections.abc import Mapping
from dataclasses import replace

from trustsvc.orders import aspects
from trustsvc.orders.aspects import BUYER, StoredOrder
from trustsvc.orders.news import OrderNews
from trustsvc.orders.state import OrderState, order_states

NO_BUYER: dict[str, object] = dict.fromkeys(BUYER) | {"has_buyer": False, "writes_buyer": True}
ERASED = "erased"


def new_order(key: tuple[int, bytes], news: OrderNews) -> StoredOrder:
    """Give the row of an order that was not known; one that has ended holds no buyer."""
    row = StoredOrder(
        shop_id=key[0],
        identity=key[1],
        created_at=news.order.created_at,
        received_at=news.arrived_at,
    )
    merged, _ = merge(row, news)
    state = order_states.begin(OrderState.RECEIVED if merged.has_buyer else OrderState.SETTLED)
    return merged if merged.state is state else replace(merged, state=state)


def merge(known: StoredOrder, news: OrderNews) -> tuple[StoredOrder, list[str]]:
    """Give the merged order and the names of what changed; old news changes nothing.

    The order is decided on again if it holds a buyer, or if the news ends it. An order without a
    buyer only keeps the news.
    """
    changed, names = aspects.merged(known, news)
    row = _with(known, changed)
    of_buyer, contact = _contact(row, news, is_news=bool(names))
    names += [contact] if contact else []
    if not names:
        return _with(row, of_buyer), []
    has_buyer = of_buyer.get("has_buyer", row.has_buyer)
    if contact or ((has_buyer or not known.is_over) and (has_buyer or row.is_over)):
        order_states.require([known.state], OrderState.RECEIVED)
        of_buyer |= {"state": OrderState.RECEIVED}
    return _with(row, of_buyer), names


def _with(row: StoredOrder, values: Mapping[str, object]) -> StoredOrder:
    """Give the row with these columns, each of the type its aspect has."""
    return replace(row, **values) if values else row  # type: ignore[arg-type]


def _contact(
    row: StoredOrder, news: OrderNews, *, is_news: bool
) -> tuple[dict[str, object], str | None]:
    """Take the buyer over from the newest body that names one, and forget one that it removed.

    Gives the columns that change, and the name of the change, if it is one to decide about.
    """
    order, as_of = news.order, news.as_of
    is_newer = row.contact_at is None or as_of > row.contact_at
    changed: dict[str, object] = {"contact_at": as_of if is_newer else row.contact_at}
    if order.is_anonymised:  # whenever it arrives: who was erased stays erased
        was_known = row.has_buyer or row.accepts_buyer
        gone = changed | NO_BUYER | {"accepts_buyer": False}
        return (gone, ERASED) if was_known else (changed, None)
    if not order.says_contact or not (is_newer or as_of == row.contact_at):
        return {}, None
    if not order.email:  # a newer body may name the buyer again
        was_known = row.has_buyer or row.buyer_pseudonym is not None
        return (changed | NO_BUYER, ERASED) if was_known else (changed, None)
    if row.is_over or not (row.has_buyer or (row.accepts_buyer and (is_news or is_newer))):
        return changed, None
    named: dict[str, object] = {
        "reference": order.reference,
        "email": order.email,
        "name": order.name,
        "buyer_pseudonym": news.buyer_pseudonym,
        "locale": order.locale,
        "zone": order.zone or None,
    }
    if row.has_buyer and all(getattr(row, key) == value for key, value in named.items()):
        return changed, None
    return changed | named | {"has_buyer": True, "writes_buyer": True}, "contact"
