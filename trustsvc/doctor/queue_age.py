"""Readiness checks of the age of what waits: undecided orders, due messages, privacy requests."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, union_all
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Result, failed, well
from trustsvc.mail.outbox.kinds import Priority
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import DUE
from trustsvc.orders import request_models
from trustsvc.orders.models import decisions, orders
from trustsvc.orders.state import OrderState
from trustsvc.storage import db

ORDERS, MESSAGES, REQUESTS = "undecided orders", "due messages", "privacy requests"
MAX_UNDECIDED = timedelta(minutes=10)  # check_orders runs every 15 seconds
MAX_DUE = timedelta(minutes=30)  # send_messages too; an open circuit breaker waits for 15 minutes
MAX_UNANSWERED = timedelta(minutes=10)  # answer_privacy_requests runs every 15 seconds
FIRST_ROWS = 50
LATE = "late: see trustsvc doctor"


def undecided_orders(now: datetime) -> Result:
    """Measure for how long the oldest received order has waited for its decision."""
    try:
        with db.reading() as session:
            since = oldest_undecided(session)
    except (SQLAlchemyError, OSError):
        return _unknown(ORDERS)
    remedy = "does the worker run? is the clock distrusted? see its log, and the lines above"
    return _waiting(ORDERS, "order", since, now, MAX_UNDECIDED, remedy)


def due_messages(now: datetime) -> Result:
    """Measure for how long the message that is due the longest has waited."""
    try:
        with db.reading() as session:
            since = oldest_due(session)
    except (SQLAlchemyError, OSError):
        return _unknown(MESSAGES)
    remedy = "trustsvc mail status says what keeps it; does the mailer run?"
    return _waiting(MESSAGES, "message", since, now, MAX_DUE, remedy)


def due_requests(now: datetime) -> Result:
    """Measure for how long the privacy request that is due the longest has waited.

    One that waits for a look, for the hour's messages or for its next attempt is not due: doctor
    has lines of their own for these (trustsvc/doctor/privacy_requests.py).
    """
    try:
        with db.reading() as session:
            since = session.scalar(select(func.min(request_models.privacy_requests.c.due_at)))
    except (SQLAlchemyError, OSError):
        return _unknown(REQUESTS)
    remedy = "does the worker run, and its child privacy-worker? restart trustsvc worker"
    return _waiting(REQUESTS, "request", since, now, MAX_UNANSWERED, remedy)


def oldest_undecided(session: Session) -> datetime | None:
    """Give since when the oldest received order waits; None when none does.

    News makes an old order received again: it waits since its newest line in the decision log.
    """
    first = (
        select(orders.c.id, orders.c.received_at)
        .where(orders.c.state == OrderState.RECEIVED)
        .order_by(orders.c.id)
        .limit(FIRST_ROWS)
        .subquery()
    )
    since = func.coalesce(func.max(decisions.c.at), first.c.received_at)
    waiting = (
        select(since)
        .select_from(first.outerjoin(decisions, decisions.c.order_id == first.c.id))
        .group_by(first.c.id, first.c.received_at)
    )
    return min((row[0] for row in session.execute(waiting)), default=None)


def oldest_due(session: Session) -> datetime | None:
    """Give since when the first message is due; each priority is read from its end of the index."""
    by_priority = [
        select(messages.c.due_at)
        .where(messages.c.state == DUE, messages.c.priority == int(priority))
        .order_by(messages.c.due_at)
        .limit(1)
        .subquery()
        for priority in Priority
    ]
    firsts = session.execute(union_all(*(select(one.c.due_at) for one in by_priority)))
    moments: list[datetime] = [row.due_at for row in firsts]
    return min(moments, default=None)


def _waiting(
    check: str, what: str, since: datetime | None, now: datetime, limit: timedelta, remedy: str
) -> Result:
    waited = now - since if since else timedelta(0)
    if waited > limit:
        minutes = int(waited.total_seconds()) // 60
        return failed(check, LATE, f"the oldest {what} has waited for {minutes} minutes", remedy)
    return well(check, f"none waits for more than {int(limit.total_seconds()) // 60} minutes")


def _unknown(check: str) -> Result:
    return failed(check, "unknown", "they cannot be read", "see the line on the database")
