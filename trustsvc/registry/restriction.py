"""Restrict the processing of a person's data, and lift the restriction (GDPR Art. 18).

Both are appended to the suppression journal, so that a restored backup can apply them.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from trustsvc.registry.models import restrictions
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.suppression_entries import JournalEntry


def restrict(session: Session, whose: Collection[bytes], shop_id: int, now: datetime) -> bool:
    """Restrict the person of these pseudonyms at a shop, or (EVERY_SHOP, by the registry's) at all.

    One pseudonym per active key, so that rows written with an older key are found. Called twice, it
    changes nothing; gives whether it is new. Effective for the next message: leases are taken in a
    transaction that reads this table. Raises Unavailable when the journal cannot be written.
    """
    rows = [{"pseudonym": pseudonym, "shop_id": shop_id, "at": now} for pseudonym in sorted(whose)]
    if not rows:
        return False
    insert = db.insert(restrictions).on_conflict_do_nothing().returning(restrictions.c.pseudonym)
    new = session.scalars(insert, rows).all()
    suppression_journal.append(
        session,
        [JournalEntry("restrict", pseudonym, shop_id, now, "restricted") for pseudonym in new],
    )
    return bool(new)


def lift(session: Session, whose: Collection[bytes], now: datetime) -> int:
    """Lift the restrictions of these pseudonyms at all their shops; gives how many. Safe to repeat.

    The journal entry is written after the commit: a rolled-back lift must not free the data after a
    restore. If it cannot be written, a restored installation restricts again.
    """
    lifted = session.execute(
        delete(restrictions)
        .where(restrictions.c.pseudonym.in_(whose))
        .returning(restrictions.c.pseudonym, restrictions.c.shop_id)
    ).all()
    entries = [
        JournalEntry("lift_restriction", row.pseudonym, row.shop_id, now, "lifted")
        for row in lifted
    ]
    suppression_journal.append_after_commit(session, entries)
    return len(lifted)
