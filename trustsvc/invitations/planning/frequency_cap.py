"""Whom did a shop ask lately, or is about to: a buyer is asked once in the shop's cap period."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations, messages
from trustsvc.orders.check import CheckedOrder
from trustsvc.orders.models import orders
from trustsvc.shops import directory

BuyerKey = tuple[int, bytes]


def recently_invited(
    session: Session, taken: Sequence[CheckedOrder], shops: dict[int, directory.Shop], now: datetime
) -> set[BuyerKey]:
    """Find which of these buyers were asked, as (shop, keyed mark).

    A letter counts when it left (or may have: unknown) within the shop's cap, or still waits.
    """
    marks = {pseudonym for order in taken for pseudonym in order.pseudonyms}
    if not marks:
        return set()
    longest = max(shop.cap_days for shop in shops.values())
    rows = session.execute(
        select(orders.c.shop_id, orders.c.buyer, messages.c.sent_at)
        .join_from(orders, invitations, invitations.c.order_id == orders.c.id)
        .join(messages, messages.c.invitation_id == invitations.c.id)
        .where(
            orders.c.shop_id.in_(shops),
            orders.c.buyer.in_(marks),
            or_(
                messages.c.state.in_(("due", "leased", "handed")),
                messages.c.sent_at > now - timedelta(days=longest),
            ),
        )
    )
    found = {
        (row.shop_id, row.buyer)
        for row in rows
        if not row.sent_at or row.sent_at > now - timedelta(days=shops[row.shop_id].cap_days)
    }
    # One buyer may be known by marks of several keys: asked by one of them is asked.
    for order in taken:
        same = {(order.shop_id, pseudonym) for pseudonym in order.pseudonyms}
        if not same.isdisjoint(found):
            found |= same
    return found
