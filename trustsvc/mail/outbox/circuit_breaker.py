"""Leave a mail server alone that fails, and let it come back slowly: a circuit breaker, in SQL.

Several workers share it and a restart keeps it. A mail server that is well has no row.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, delete, func, select, type_coerce, update
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.invitations.models import circuit_breakers, messages
from trustsvc.mail import transport
from trustsvc.mail.outbox import rate_policy, send_suspension
from trustsvc.storage import db

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MINUTE_MS = 60_000

_dice = secrets.SystemRandom()
_table = circuit_breakers.c


@dataclass(frozen=True, slots=True)
class Gate:
    """How many letters may leave now; `shaky`: a success is news that has to be written down."""

    server: str
    most: int
    probes: bool = False
    returns: bool = False
    shaky: bool = False


def ask(session: Session, now: datetime, most: int) -> Gate:
    """Say how many letters may be leased: none, one that asks, some, or `most`.

    The row stays locked until the lease is committed, so of two workers one asks.
    """
    server = transport.server_name(config.current().mail_url)
    row = session.execute(
        select(circuit_breakers).where(_table.name == server).with_for_update()
    ).first()
    if row is None:
        return Gate(server, most)
    if row.open_until:
        if rate_policy.is_ahead(row.open_until, now, rate_policy.LONGEST_PAUSE_S):
            return Gate(server, 0)
        return Gate(server, 0 if _is_asking(session, row.probe) else 1, probes=True, shaky=True)
    if row.closed_at:
        rate = rate_policy.a_minute(row.usual, now - row.closed_at)
        since = now - row.granted_at if row.granted_at else None
        return Gate(server, min(most, rate_policy.grant(rate, since)), returns=True, shaky=True)
    return Gate(server, most, shaky=True)


def leased(session: Session, gate: Gate, count: int, lease: bytes, now: datetime) -> None:
    """Write down what was leased; what waited is gone once fewer come than may, or after a day."""
    if gate.probes and count:
        session.execute(
            update(circuit_breakers).where(_table.name == gate.server).values(probe=lease)
        )
    elif gate.returns and count < gate.most and _is_over(session, gate, now):
        session.execute(
            delete(circuit_breakers).where(_table.name == gate.server, _table.failures == 0)
        )
    elif gate.returns and count:
        session.execute(
            update(circuit_breakers).where(_table.name == gate.server).values(granted_at=now)
        )


def failed(session: Session, server: str, now: datetime) -> bool:
    """Count a failure; True when the mail server is to be left alone from now on."""
    plain = {"failures": 1, "opened": 0, "usual": 0}
    statement = db.insert(circuit_breakers).values(name=server, **plain)
    row = session.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"failures": _table.failures + 1}
        ).returning(_table.failures, _table.opened, _table.open_until, _table.closed_at)
    ).one()
    if rate_policy.is_ahead(row.open_until, now, rate_policy.LONGEST_PAUSE_S):
        return True
    if row.open_until is None and row.failures < rate_policy.MOST_FAILURES:
        return False
    changes = {
        "open_until": now + rate_policy.pause(row.opened, _dice.uniform(0, 1)),
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
    """Take back what was counted: the mail server answers.

    Where the settings want no pace all that waited may leave at once, else slowly at first.
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


def left_alone(session: Session, now: datetime) -> datetime | None:
    """Say until when the mail server of the settings is left alone; None when it is not."""
    server = transport.server_name(config.current().mail_url)
    until: datetime | None = session.scalar(select(_table.open_until).where(_table.name == server))
    return until if rate_policy.is_ahead(until, now, rate_policy.LONGEST_PAUSE_S) else None


def _is_over(session: Session, gate: Gate, now: datetime) -> bool:
    """Whether what waited is gone, and does not stand still: stopped, or put off to the morning."""
    if send_suspension.stops(session):
        return False
    row = session.execute(select(circuit_breakers).where(_table.name == gate.server)).one()
    if now - row.closed_at >= DAY:
        return True
    waiting = select(messages.c.id).where(messages.c.state == "due", messages.c.due_at <= now + DAY)
    some = waiting.limit(2 * max(rate_policy.LEAST_A_MINUTE, row.usual)).subquery()
    number = session.scalar(select(func.count()).select_from(some)) or 0
    return bool(number < 2 * max(rate_policy.LEAST_A_MINUTE, row.usual))


def _is_asking(session: Session, lease: bytes | None) -> bool:
    """Whether a letter of that lease is on its way; one whose sender died is not (recover.py)."""
    asking = select(messages.c.id).where(
        messages.c.lease == lease, messages.c.state.in_(("leased", "handed"))
    )
    return lease is not None and session.execute(asking.limit(1)).first() is not None


def _busiest_minute(session: Session, now: datetime) -> int:
    minute = type_coerce(messages.c.sent_at, BigInteger) // MINUTE_MS
    counts = (
        select(func.count().label("number"))
        .where(messages.c.sent_at > now - WEEK, messages.c.state == "sent")
        .group_by(minute)
        .subquery()
    )
    return session.scalar(select(func.max(counts.c.number))) or 0
