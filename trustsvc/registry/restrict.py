"""Restrict a person's data, and lift it again: known by keyed marks, as an opt-out is."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from trustsvc import db
from trustsvc.registry.models import restrictions


def restrict(session: Session, marks: Collection[bytes], shop_id: int, now: datetime) -> None:
    """Freeze whoever these marks name at a shop, or (0, by the registry's marks) at all.

    A mark of each living key, so that rows written with an older one are found. Twice changes
    nothing. Works on the next letter: leases are taken in a transaction that reads this table.
    """
    rows = [{"mark": mark, "shop_id": shop_id, "at": now} for mark in sorted(marks)]
    if rows:
        session.execute(db.insert(restrictions).on_conflict_do_nothing(), rows)


def lift(session: Session, marks: Collection[bytes]) -> int:
    """End what these marks restrict, at every shop they are of; gives how many. Twice is fine."""
    done = session.execute(delete(restrictions).where(restrictions.c.mark.in_(marks)))
    return int(done.rowcount)  # type: ignore[attr-defined]
