"""Register a buyer, or let one leave."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc import clock, db, fingerprints, suppressions
from trustsvc.registry.models import registered


def register(session: Session, email: str, wording: str, source: str, now: datetime) -> bool:
    """Write down that a buyer registered: the mark, and the proof of consent.

    Whoever calls has made sure that the address is the buyer's own. Twice changes nothing, so the
    first proof stays; gives whether the buyer is new. Raises NotAnAddress.
    """
    marks = fingerprints.registry_marks(email)
    if session.scalar(select(registered.c.mark).where(registered.c.mark.in_(marks)).limit(1)):
        return False
    newest = marks[-1]
    statement = db.insert(registered).values(mark=newest, at=now, wording=wording, source=source)
    is_new = statement.on_conflict_do_nothing().returning(registered.c.mark)
    return session.execute(is_new).first() is not None


def leave(session: Session, email: str) -> bool:
    """Forget a registration, whichever key its mark was made with; twice does no harm.

    Gives whether there was one. A restored backup knows of it from the file of suppressions. Raises
    NotAnAddress, and Unavailable when that file cannot be written.
    """
    marks = fingerprints.registry_marks(email)
    gone = session.scalars(
        delete(registered).where(registered.c.mark.in_(marks)).returning(registered.c.mark)
    ).all()
    now = clock.now()
    suppressions.write([suppressions.Line("leave", mark, 0, now, "left") for mark in gone])
    return bool(gone)
