"""The log of privacy requests: which right, when, and how it ended; it names nobody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from trustsvc.errors import Gone, Refused
from trustsvc.orders.received import PrivacyRequestKind
from trustsvc.privacy.models import request_log
from trustsvc.privacy.state import RequestState, request_states
from trustsvc.storage import db

DAYS = 30  # GDPR Art. 12(3): one month
ALARM_DAY = 20
ASKED_TO_CONFIRM = "confirmation"  # by whom: nobody yet, a message asks the address to confirm
# Grounds to refuse an erasure: GDPR Art. 17(3), a to e.
GROUNDS = ("17_3_a", "17_3_b", "17_3_c", "17_3_d", "17_3_e")


class Right(StrEnum):
    """Which right a request was about."""

    SEE = "see"
    COPY = "copy"
    CORRECT = "correct"
    RESTRICT = "restrict"
    LIFT = "lift"
    OBJECT = "object"
    AGAIN = "again"
    ERASE = "erase"
    CHILD = "child"


# How a request that came without a link is logged.
RIGHT_OF = {
    PrivacyRequestKind.MY_DATA: Right.SEE,
    PrivacyRequestKind.OBJECT: Right.OBJECT,
    PrivacyRequestKind.ACCESS: Right.COPY,
    PrivacyRequestKind.ERASE: Right.ERASE,
    PrivacyRequestKind.EMPTIED: Right.ERASE,
    PrivacyRequestKind.ERASE_SHOP: Right.ERASE,
}


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request; `day` is how many days it has been open, or took to answer."""

    id: int
    kind: Right
    shop_id: int
    state: RequestState
    by: str | None
    ground: str | None
    asked_at: datetime
    answered_at: datetime | None
    day: int

    @property
    def due_at(self) -> datetime:
        return self.asked_at + timedelta(days=DAYS)

    @property
    def alarms(self) -> bool:
        return self.state is RequestState.OPEN and self.day >= ALARM_DAY


def record_answered(
    session: Session,
    kind: Right,
    shop_id: int,
    by: str,
    now: datetime,
    asked_at: datetime | None = None,
) -> None:
    """Log a request that was answered at once."""
    session.execute(
        request_log.insert().values(
            kind=kind,
            shop_id=shop_id,
            state=RequestState.DONE,
            by=by,
            asked_at=asked_at or now,
            answered_at=now,
        )
    )


def record_open(session: Session, kind: Right, shop_id: int, asked_at: datetime) -> int:
    """Log a request that staff must answer; its 30 days begin when it was made."""
    new = request_log.insert().values(
        kind=kind, shop_id=shop_id, state=RequestState.OPEN, asked_at=asked_at
    )
    return int(session.execute(new.returning(request_log.c.id)).scalar_one())


def answer(session: Session, request_id: int, by: str, now: datetime, ground: str = "") -> None:
    """Mark a request answered, or refused on a ground.

    Raises Gone if it is not open, Refused for an unknown ground.
    """
    if ground and ground not in GROUNDS:
        raise Refused(f"The ground must be one of: {', '.join(GROUNDS)}.")
    after = RequestState.REFUSED if ground else RequestState.DONE
    answered = session.execute(
        request_states.update(request_log, [RequestState.OPEN], after)
        .where(request_log.c.id == request_id)
        .values(by=by, ground=ground or None, answered_at=now)
    )
    if not db.row_count(answered):
        raise Gone("This request is not open.")


def open_requests(session: Session, now: datetime) -> list[LoggedRequest]:
    """List the requests that staff must answer, oldest first."""
    rows = session.execute(
        select(request_log)
        .where(request_log.c.state == RequestState.OPEN)
        .order_by(request_log.c.asked_at)
    )
    return [_request(row, now) for row in rows]


def answered_requests(session: Session, most: int = 50) -> list[LoggedRequest]:
    """List the requests that were answered last, newest first."""
    rows = session.execute(
        select(request_log)
        .where(request_log.c.answered_at.is_not(None))
        .order_by(request_log.c.answered_at.desc(), request_log.c.id.desc())
        .limit(most)
    )
    return [_request(row, row.answered_at) for row in rows]


def oldest_open_days(session: Session, now: datetime) -> int | None:
    """Say for how many days the oldest open request has waited; None if none is open."""
    since = session.scalar(
        select(func.min(request_log.c.asked_at)).where(request_log.c.state == RequestState.OPEN)
    )
    return None if since is None else (now - since).days


def _request(row: Row[tuple[object, ...]], until: datetime) -> LoggedRequest:
    return LoggedRequest(
        row.id,
        Right(row.kind),
        row.shop_id,
        RequestState(row.state),
        row.by,
        row.ground,
        row.asked_at,
        row.answered_at,
        day=max(0, (until - row.asked_at).days),
    )


def read_right(text: str) -> Right:
    """Read the kind of a request; raises Refused."""
    if text not in list(Right):
        raise Refused(f"The kind must be one of: {', '.join(Right)}.")
    return Right(text)
