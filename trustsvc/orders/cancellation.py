"""Orders that are over, kept in the file of wishes, and taken up again after a restore."""

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
    """Write down apart from the database that orders were cancelled or refunded.

    Before the commit: a line too many only stops a letter. Raises Unavailable.
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


def replay(session: Session, lines: Sequence[JournalEntry], now: datetime) -> list[int]:
    """End the orders of these lines in a restored database; gives those that were not over there.

    An order it never knew gets a row without a person, so that its creation, delivered again by the
    platform, leads to nothing. The planner looks at each once more. Twice changes nothing.
    """
    there = set(session.scalars(select(shops.c.id)))
    known = [line for line in lines if line.shop_id in there]
    if not known:
        return []
    session.execute(
        db.insert(orders).on_conflict_do_nothing(index_elements=["shop_id", "identity"]),
        [_trace(line, now) for line in known],
    )
    ended: list[int] = []
    for name in ("cancelled_at", "refunded_at"):
        keys = [(x.shop_id, x.subject) for x in known if (x.reason == REFUNDED) == (name[0] == "r")]
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


def _trace(line: JournalEntry, now: datetime) -> dict[str, object]:
    refunded = line.reason == REFUNDED
    order = OrderReceived(
        identity="",
        created_at=line.at,
        cancelled_at=None if refunded else line.at,
        refunded_at=line.at if refunded else None,
    )
    return without_buyer((line.shop_id, line.subject), order, now).values()
