"""Frequency cap: a shop invites a buyer once in its cap period."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations, message_of_invitation
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import UNSETTLED
from trustsvc.orders.check import CheckedOrder
from trustsvc.orders.models import orders
from trustsvc.shops import directory

BuyerKey = tuple[int, bytes]


def recently_invited(
    session: Session,
    received: Sequence[CheckedOrder],
    shops: dict[int, directory.Shop],
    now: datetime,
) -> set[BuyerKey]:
    """Find which of these buyers were invited, as (shop, pseudonym).

    A message counts if it was sent (or may have been: unknown) within the shop's cap, or is due.
    """
    pseudonyms = {pseudonym for order in received for pseudonym in order.pseudonyms}
    if not pseudonyms:
        return set()
    longest = max(shop.cap_days for shop in shops.values())
    rows = session.execute(
        select(orders.c.shop_id, orders.c.buyer, messages.c.sent_at)
        .join_from(orders, invitations, invitations.c.order_id == orders.c.id)
        .join(messages, message_of_invitation)
        .where(
            orders.c.shop_id.in_(shops),
            orders.c.buyer.in_(pseudonyms),
            or_(
                messages.c.state.in_(UNSETTLED),
                messages.c.sent_at > now - timedelta(days=longest),
            ),
        )
    )
    invited = {
        (row.shop_id, row.buyer)
        for row in rows
        if not row.sent_at or row.sent_at > now - timedelta(days=shops[row.shop_id].cap_days)
    }
    # A buyer may have pseudonyms of several keys: an invitation under one counts for all.
    for order in received:
        same = {(order.shop_id, pseudonym) for pseudonym in order.pseudonyms}
        if not same.isdisjoint(invited):
            invited |= same
    return invited
