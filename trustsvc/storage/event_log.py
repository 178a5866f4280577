"""The event log: one row an event, in the transaction of its cause.

Consumers read it here and so see no event that was rolled back: the doctor, the complaint rate and
the purge guard today, outgoing webhooks later.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Table, Text
from sqlalchemy.orm import Session

from trustsvc.storage.columns import Id, Moment, column, metadata

events = Table(
    "events",
    metadata,
    column("id", Id, purpose="order of events", retention="event_log", primary_key=True),
    column("kind", Text, purpose="what happened, such as review.published", retention="event_log"),
    column("shop_id", BigInteger, purpose="whose it is", retention="event_log"),
    column("subject", BigInteger, purpose="row it happened to", retention="event_log"),
    column("at", Moment, purpose="when it happened", retention="event_log", index=True),
)


def record(session: Session, kind: str, shop_id: int, subject: int, at: datetime) -> None:
    """Record an event; twice is two rows, so call it where the state changes."""
    session.execute(events.insert().values(kind=kind, shop_id=shop_id, subject=subject, at=at))
