"""Messages of which nobody can know whether they arrived."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import UNKNOWN


def count(session: Session, since: datetime | None = None) -> int:
    number = select(func.count()).select_from(messages).where(messages.c.state == UNKNOWN)
    if since:
        number = number.where(messages.c.sent_at > since)
    return session.scalar(number) or 0
