"""A circuit breaker for the mail server: pause when it fails, then let it come back slowly.

In SQL: several workers share it and a restart keeps it. A mail server that is well has no row.
Every kind of message obeys it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, delete, func, select, type_coerce, update
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.mail import transport
from trustsvc.mail.outbox import rate_policy, send_suspension
from trustsvc.mail.outbox.models import HELD_BY_SENDER, circuit_breakers, messages
from trustsvc.mail.outbox.state import DUE, SENT
from trustsvc.storage import db
from trustsvc.storage.columns import in_states

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MINUTE_MS = 60_000

_random = secrets.SystemRandom()
_table = circuit_breakers.c


@dataclass(frozen=True, slots=True)
class Gate:
    """How many messages may leave now; `has_failed`: the next success has to be written down."""

    server: str
    limit: int
    probes: bool = False
    ramps_up: bool = False
    has_failed: bool = False


def ask(session: Session, now: datetime, most: int) -> Gate:
    """Say how many messages may be leased: none, one as a probe, some, or `most`.

    The row stays locked until the lease is committed, so of two workers one probes.
    """
    server = transport.server_name(config.current().mail_url)
    row = session.execute(
        select(circuit_breakers).where(_table.name == server).with_for_update()
    ).first()
    if row is None:
        return Gate(server, most)
    if row.open_until:
        if rate_policy.is_ahead(row.open_until, now, rate_policy.MAX_SERVER_PAUSE):
            return Gate(server, 0)
        return Gate(
            server, 0 if _is_probing(session, row.probe) else 1, probes=True, has_failed=True
        )
    if row.closed_at:
        rate = rate_policy.ramp_up_rate(row.usual, now - row.closed_at)
        since = now - row.granted_at if row.granted_at else None
        return Gate(
            server, min(most, rate_policy.allowance(rate, since)), ramps_up=True, has_failed=True
        )
    return Gate(server, most, has_failed=True)


def leased(session: Session, gate: Gate, count: int, lease: bytes, now: datetime) -> None:
    """Write down what was leased.

    The ramp-up ends once fewer messages are due than may leave, or after a day.
    """
    if gate.probes and count:
        session.execute(
            update(circuit_breakers).where(_table.name == gate.server).values(probe=lease)
        )
    elif gate.ramps_up and count < gate.limit and _is_over(session, gate, now):
        session.execute(
            delete(circuit_breakers).where(_table.name == gate.server, _table.failures == 0)
        )
    elif gate.ramps_up and count:
        session.execute(
            update(circuit_breakers).where(_table.name == gate.server).values(granted_at=now)
        )


def failed(session: Session, server: str, now: datetime) -> bool:
    """Count a failure; True when the breaker is open from now on."""
    plain = {"failures": 1, "opened": 0, "usual": 0}
    statement = db.insert(circuit_breakers).values(name=server, **plain)
    row = session.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"failures": _table.failures + 1}
        ).returning(_table.failures, _table.opened, _table.open_until, _table.closed_at)
    ).one()
    if rate_policy.is_ahead(row.open_until, now, rate_policy.MAX_SERVER_PAUSE):
        return True
    if row.open_until is None and row.failures < rate_policy.MAX_FAILURES:
        return False
    changes = {
        "open_until": now + rate_policy.server_pause(row.opened, _random.uniform(0, 1)),
        "opened": row.opened + 1,
        "probe": None,
        "closed_at": None,
        "granted_at": None,
    }
    if not row.opened:
        changes["usual"] = _busiest_minute(session, now)
    session.execute(update(circuit_breakers).where(_table.name == server).values(**changes))
    return True


def succeeded(session: Session, server: str, now: datetime) -> None:
    """Close the breaker: the mail server answers.

    Without a throttle in the settings all that waited may leave at once, else slowly at first.
    """
    if not config.current().mail_pace:
        session.execute(delete(circuit_breakers).where(_table.name == server))
        return
    session.execute(
        delete(circuit_breakers).where(
            _table.name == server, _table.open_until.is_(None), _table.closed_at.is_(None)
        )
    )
    was_open = _table.open_until.is_not(None)
    session.execute(
        update(circuit_breakers)
        .where(_table.name == server, was_open)
        .values(open_until=None, probe=None, failures=0, closed_at=now, granted_at=now)
    )
    session.execute(update(circuit_breakers).where(_table.name == server).values(failures=0))


def open_until(session: Session, now: datetime) -> datetime | None:
    """Say until when nothing is sent to the mail server of the settings; None when it is closed."""
    server = transport.server_name(config.current().mail_url)
    until: datetime | None = session.scalar(select(_table.open_until).where(_table.name == server))
    return until if rate_policy.is_ahead(until, now, rate_policy.MAX_SERVER_PAUSE) else None


def _is_over(session: Session, gate: Gate, now: datetime) -> bool:
    """Whether what waited is gone, and is not just suspended or deferred to the morning."""
    if send_suspension.stops(session):
        return False
    row = session.execute(select(circuit_breakers).where(_table.name == gate.server)).one()
    if now - row.closed_at >= DAY:
        return True
    waiting = select(messages.c.id).where(messages.c.state == DUE, messages.c.due_at <= now + DAY)
    some = waiting.limit(2 * max(rate_policy.MIN_PER_MINUTE, row.usual)).subquery()
    number = session.scalar(select(func.count()).select_from(some)) or 0
    return bool(number < 2 * max(rate_policy.MIN_PER_MINUTE, row.usual))


def _is_probing(session: Session, lease: bytes | None) -> bool:
    """Whether a message of that lease is on its way; that of a sender who died is not."""
    probing = select(messages.c.id).where(messages.c.lease == lease, in_states(HELD_BY_SENDER))
    return lease is not None and session.execute(probing.limit(1)).first() is not None


def _busiest_minute(session: Session, now: datetime) -> int:
    minute = type_coerce(messages.c.sent_at, BigInteger) // MINUTE_MS
    counts = (
        select(func.count().label("number"))
        .where(messages.c.sent_at > now - WEEK, messages.c.state == SENT)
        .group_by(minute)
        .subquery()
    )
    return session.scalar(select(func.max(counts.c.number))) or 0
