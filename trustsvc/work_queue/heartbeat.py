"""Heartbeats of processes that receive no requests, such as the scheduler."""

from datetime import datetime

from sqlalchemy import Table, Text, select
from sqlalchemy.orm import Session

from trustsvc.storage import db
from trustsvc.storage.columns import Moment, column, metadata

heartbeats = Table(
    "heartbeats",
    metadata,
    column(
        "name",
        Text,
        purpose="which process",
        retention="service_state",
        primary_key=True,
    ),
    column("at", Moment, purpose="when it last ran", retention="service_state"),
)


def beat(session: Session, name: str, at: datetime) -> None:
    statement = db.insert(heartbeats).values(name=name, at=at)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": at}))


def last(session: Session, name: str) -> datetime | None:
    newest: datetime | None = session.scalar(
        select(heartbeats.c.at).where(heartbeats.c.name == name)
    )
    return newest
