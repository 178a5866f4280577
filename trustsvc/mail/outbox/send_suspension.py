"""Whether letters leave at all.

They wait after a restore that may not know who opted out, and while the clock is distrusted.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.invitations.models import send_suspensions
from trustsvc.storage import db

RESTORE = "restore"
COMPLAINTS = "complaints"
CLOCK = "clock"


def unfinished() -> Path:
    """Name the file that is there while a backup is being restored, and after one that broke off.

    A file and not a row: the database is what is being replaced.
    """
    return config.current().data / "suppressions" / "restoring"


def stops(session: Session) -> Mapping[str, str]:
    """Say what keeps letters from leaving: what stopped them, and why; empty when they leave."""
    rows = session.execute(select(send_suspensions.c.name, send_suspensions.c.reason))
    found = {row.name: row.reason for row in rows}
    if unfinished().exists():
        found[RESTORE] = "not_finished"
    return found


def stop(session: Session, name: str, reason: str, now: datetime) -> None:
    """Let no letter leave; twice keeps the newer reason. Letters that wait go on waiting."""
    statement = db.insert(send_suspensions).values(name=name, reason=reason, at=now)
    session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"reason": reason, "at": now})
    )


def go_on(session: Session, name: str) -> bool:
    """Take one stop back; False when there was none. Others still hold."""
    done = session.execute(delete(send_suspensions).where(send_suspensions.c.name == name))
    return bool(done.rowcount)  # type: ignore[attr-defined]
