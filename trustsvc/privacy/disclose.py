"""Note that people were listed: who saw it, of what, how many; never who is on the list."""

from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.privacy.models import disclosure_log


def note(session: Session, what: str, number: int, by: str, now: datetime) -> None:
    """Write the line of the audit, before the list is shown."""
    session.execute(disclosure_log.insert().values(at=now, what=what, number=number, by=by))
