"""Cancelled and refunded orders in the suppression journal, replayed after a restore."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from trustsvc.orders.merge import StoredOrder, without_buyer
from trustsvc.orders.models import orders
from trustsvc.orders.received import OrderReceived
from trustsvc.orders.state import OrderState, order_states
from trustsvc.shops.models import shops
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.suppression_journal import JournalEntry

REFUNDED = "refunded"


def journal(rows: Sequence[StoredOrder], now: datetime) -> None:
    """Append cancelled or refunded orders to the suppression journal.

    Called before the commit: a superfluous entry only prevents a message. Raises Unavailable.
    """
    suppression_journal.append(
        [
            JournalEntry(
                "cancel_order",
                row.identity,
                row.shop_id,
                now,
                "cancelled" if row.cancelled_at else REFUNDED,
            )
            for row in rows
        ]
    )


def replay(session: Session, entries: Sequence[JournalEntry], now: datetime) -> list[int]:
    """End the orders of these entries in a restored database; gives those that were still open.

    An unknown order gets a row without buyer data, so that its creation, delivered again by the
    platform, leads to nothing. Each is planned again. Called twice, it changes nothing.
    """
    shop_ids = set(session.scalars(select(shops.c.id)))
    known = [entry for entry in entries if entry.shop_id in shop_ids]
    if not known:
        return []
    session.execute(
        db.insert(orders).on_conflict_do_nothing(index_elements=["shop_id", "identity"]),
        [_order_without_buyer(entry, now) for entry in known],
    )
    ended: list[int] = []
    for name in ("cancelled_at", "refunded_at"):
        keys = [
            (entry.shop_id, entry.subject)
            for entry in known
            if (entry.reason == REFUNDED) == (name == "refunded_at")
        ]
        ended += session.scalars(
            order_states.update(orders, OrderState, OrderState.RECEIVED)
            .where(
                tuple_(orders.c.shop_id, orders.c.identity).in_(keys),
                orders.c.cancelled_at.is_(None),
                orders.c.refunded_at.is_(None),
            )
            .values({name: now})
            .returning(orders.c.id)
        )
    return ended


def _order_without_buyer(entry: JournalEntry, now: datetime) -> dict[str, object]:
    refunded = entry.reason == REFUNDED
    order = OrderReceived(
        identity="",
        created_at=entry.at,
        cancelled_at=None if refunded else entry.at,
        refunded_at=entry.at if refunded else None,
    )
    return without_buyer((entry.shop_id, entry.subject), order, now).values()
