"""Find security entries, newest first."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.server_log.models import security_entries


@dataclass(frozen=True, slots=True)
class SecurityEntry:
    """What was seen `number` times in a minute, from one address (IPv6: /64; "*": from many)."""

    id: int
    minute: datetime
    what: str
    door: str
    address: str = field(repr=False)
    number: int


def entries(
    session: Session,
    *,
    since: datetime | None = None,
    what: str = "",
    before_id: int | None = None,
    most: int = 100,
) -> list[SecurityEntry]:
    """Read entries, newest first; `before_id` is the last one of the page before."""
    table = security_entries.c
    query = select(table.id, table.minute, table.what, table.door, table.address, table.number)
    if since is not None:
        query = query.where(table.minute >= since)
    if what:
        query = query.where(table.what == what)
    if before_id is not None:
        query = query.where(table.id < before_id)
    return [
        SecurityEntry(*row) for row in session.execute(query.order_by(table.id.desc()).limit(most))
    ]
