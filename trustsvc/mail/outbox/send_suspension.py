"""Whether invitations leave at all.

They wait after a restore that may not know every opt-out, after too many complaints, and while the
clock is distrusted (clock_check.py). Kinds of messages that a person waits for leave all the same.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.mail.outbox.models import send_suspensions
from trustsvc.storage import db

RESTORE = "restore"
COMPLAINTS = "complaints"
CLOCK = "clock"


def unfinished() -> Path:
    """Name the file that is there during a restore, and after one that broke off.

    A file and not a row: the database is what is being replaced.
    """
    return config.current().data / "suppressions" / "restoring"


def stops(session: Session) -> Mapping[str, str]:
    """Name what suspends sending, and why; empty when messages leave."""
    rows = session.execute(select(send_suspensions.c.name, send_suspensions.c.reason))
    reasons = {row.name: row.reason for row in rows}
    if unfinished().exists():
        reasons[RESTORE] = "not_finished"
    return reasons


def stop(session: Session, name: str, reason: str, now: datetime) -> None:
    """Suspend sending; twice keeps the newer reason. Messages that wait go on waiting."""
    statement = db.insert(send_suspensions).values(name=name, reason=reason, at=now)
    session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"reason": reason, "at": now})
    )


def resume(session: Session, name: str) -> bool:
    """End one suspension; False when there was none. Others stay in force."""
    done = session.execute(delete(send_suspensions).where(send_suspensions.c.name == name))
    return db.row_count(done) > 0
