"""The register of requests: what was asked when, and how it ended; nobody is named in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from trustsvc.errors import Gone, Refused
from trustsvc.privacy.models import request_log

DAYS = 30  # GDPR Art. 12(3): one month
ALARM_DAY = 20
KINDS = ("see", "copy", "correct", "restrict", "lift", "object", "again", "erase", "child")
# Why an erasure may be refused: the five grounds of GDPR Art. 17(3), a to e.
GROUNDS = ("17_3_a", "17_3_b", "17_3_c", "17_3_d", "17_3_e")


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request; `day` is how many days it has been waiting, or waited."""

    id: int
    kind: str
    shop_id: int
    state: str
    by: str | None
    ground: str | None
    asked_at: datetime
    settled_at: datetime | None
    day: int

    @property
    def due_at(self) -> datetime:
        return self.asked_at + timedelta(days=DAYS)

    @property
    def alarms(self) -> bool:
        return self.state == "open" and self.day >= ALARM_DAY


def record_answered(
    session: Session,
    kind: str,
    shop_id: int,
    by: str,
    now: datetime,
    asked_at: datetime | None = None,
) -> None:
    """Write down a request that was served at once."""
    _check(kind)
    session.execute(
        request_log.insert().values(
            kind=kind,
            shop_id=shop_id,
            state="done",
            by=by,
            asked_at=asked_at or now,
            settled_at=now,
        )
    )


def record_open(session: Session, kind: str, shop_id: int, asked_at: datetime) -> int:
    """Write down a request that needs somebody here; its clock runs from the day it was asked."""
    _check(kind)
    new = request_log.insert().values(kind=kind, shop_id=shop_id, state="open", asked_at=asked_at)
    return int(session.execute(new.returning(request_log.c.id)).scalar_one())


def settle(session: Session, request_id: int, by: str, now: datetime, ground: str = "") -> None:
    """Say that a request was answered, or refused on a ground; raises Gone when it was before."""
    if ground and ground not in GROUNDS:
        raise Refused(f"The ground must be one of: {', '.join(GROUNDS)}.")
    settled = session.execute(
        update(request_log)
        .where(request_log.c.id == request_id, request_log.c.state == "open")
        .values(state="refused" if ground else "done", by=by, ground=ground or None, settled_at=now)
    )
    if not settled.rowcount:  # type: ignore[attr-defined]
        raise Gone("This request is not open.")


def open_requests(session: Session, now: datetime) -> list[LoggedRequest]:
    """List what waits for somebody here, longest waiting first."""
    rows = session.execute(
        select(request_log).where(request_log.c.state == "open").order_by(request_log.c.asked_at)
    )
    return [_request(row, now) for row in rows]


def answered_requests(session: Session, most: int = 50) -> list[LoggedRequest]:
    """List the requests that were answered last, newest first."""
    rows = session.execute(
        select(request_log)
        .where(request_log.c.settled_at.is_not(None))
        .order_by(request_log.c.settled_at.desc(), request_log.c.id.desc())
        .limit(most)
    )
    return [_request(row, row.settled_at) for row in rows]


def oldest_open_days(session: Session, now: datetime) -> int | None:
    """Say how many days the longest waiting request has waited; None when none waits."""
    since = session.scalar(
        select(func.min(request_log.c.asked_at)).where(request_log.c.state == "open")
    )
    return None if since is None else (now - since).days


def _request(row: object, until: datetime) -> LoggedRequest:
    names = [name for name in LoggedRequest.__dataclass_fields__ if name != "day"]
    values = {name: getattr(row, name) for name in names}
    return LoggedRequest(**values, day=max(0, (until - values["asked_at"]).days))


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise Refused(f"The kind must be one of: {', '.join(KINDS)}.")
