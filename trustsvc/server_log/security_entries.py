"""Find security entries, newest first."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.server_log.models import security_entries


@dataclass(frozen=True, slots=True)
class SecurityEntry:
    """Seen `count` times in a minute, from one address (IPv6: /64; "*": many)."""

    id: int
    minute: datetime
    kind: str
    access: str
    address: str = field(repr=False)
    count: int


def list_entries(
    session: Session,
    *,
    since: datetime | None = None,
    kind: str = "",
    before_id: int | None = None,
    limit: int = 100,
) -> list[SecurityEntry]:
    """Read entries, newest first; `before_id` is the last one of the page before."""
    table = security_entries.c
    query = select(table.id, table.minute, table.kind, table.access, table.address, table.count)
    if since is not None:
        query = query.where(table.minute >= since)
    if kind:
        query = query.where(table.kind == kind)
    if before_id is not None:
        query = query.where(table.id < before_id)
    return [
        SecurityEntry(*row) for row in session.execute(query.order_by(table.id.desc()).limit(limit))
    ]
