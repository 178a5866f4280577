"""Orders that ended, in the suppression journal, replayed after a restore."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from trustsvc.orders.merge import StoredOrder
from trustsvc.orders.models import orders
from trustsvc.orders.standing import ENDED, Standing
from trustsvc.orders.state import OrderState, order_states
from trustsvc.shops.models import shops
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.suppression_journal import JournalEntry


def journal(rows: Sequence[StoredOrder], now: datetime) -> None:
    """Append orders that ended, or whose buyer refused or was erased, to the suppression journal.

    Called before the commit: a superfluous entry only prevents a message. Raises Unavailable.
    """
    suppression_journal.append(
        [
            JournalEntry(
                "cancel_order",
                row.identity,
                row.shop_id,
                now,
                next((one for one in _standings(row) if one in ENDED), Standing.CANCELLED),
            )
            for row in rows
        ]
    )


def _standings(row: StoredOrder) -> tuple[Standing | None, ...]:
    return (row.standing, row.dispute, row.returns)


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
    for standing in ENDED:
        keys = [(x.shop_id, x.subject) for x in known if _standing(x) is standing]
        ended += session.scalars(
            order_states.update(orders, OrderState, OrderState.RECEIVED)
            .where(
                tuple_(orders.c.shop_id, orders.c.identity).in_(keys),
                orders.c.standing.not_in(ENDED),
            )
            .values(standing=standing, standing_at=now)
            .returning(orders.c.id)
        )
    return ended


def _standing(entry: JournalEntry) -> Standing:
    return Standing(entry.reason) if entry.reason in ENDED else Standing.CANCELLED


def _order_without_buyer(entry: JournalEntry, now: datetime) -> dict[str, object]:
    row = StoredOrder(
        shop_id=entry.shop_id,
        identity=entry.subject,
        created_at=entry.at,
        received_at=now,
        state=OrderState.SETTLED,
        standing=_standing(entry),
        standing_at=entry.at,
    )
    return row.values()
