"""Restrict a person's data, and lift it again: known by keyed marks, as an opt-out is.

Both are written into the file of suppressions, so that a restored backup knows what holds.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from trustsvc.registry.models import restrictions
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.suppression_journal import JournalEntry


def restrict(session: Session, marks: Collection[bytes], shop_id: int, now: datetime) -> bool:
    """Freeze whoever these marks name at a shop, or (0, by the registry's marks) at all.

    A mark of each living key, so that rows written with an older one are found. Twice changes
    nothing; gives whether it is new. Works on the next letter: leases are taken in a transaction
    that reads this table. Raises Unavailable when the file of suppressions cannot be written.
    """
    rows = [{"pseudonym": mark, "shop_id": shop_id, "at": now} for mark in sorted(marks)]
    if not rows:
        return False
    insert = db.insert(restrictions).on_conflict_do_nothing().returning(restrictions.c.pseudonym)
    new = session.scalars(insert, rows).all()
    suppression_journal.append(
        [JournalEntry("restrict", mark, shop_id, now, "restricted") for mark in new]
    )
    return bool(new)


def lift(session: Session, marks: Collection[bytes], now: datetime) -> int:
    """End what these marks restrict, at every shop they are of; gives how many. Twice is fine.

    The file of suppressions hears of it after the commit: one that was rolled back must not free a
    person's data after a restore. Where it cannot be written, a restored house restricts again.
    """
    gone = session.execute(
        delete(restrictions)
        .where(restrictions.c.pseudonym.in_(marks))
        .returning(restrictions.c.pseudonym, restrictions.c.shop_id)
    ).all()
    lines = [
        JournalEntry("lift_restriction", row.pseudonym, row.shop_id, now, "lifted") for row in gone
    ]
    suppression_journal.append_after_commit(session, lines)
    return len(gone)
