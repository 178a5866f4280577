"""Suspend sending while the machine's clock is distrusted; resume it when the clock is right."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import clock_check, log
from trustsvc.clock import Reading
from trustsvc.mail.outbox import send_suspension
from trustsvc.orders.models import decisions, orders
from trustsvc.storage.event_log import events

PURGE_WAITING = "purge.waiting"  # the event of a purge that waits (retention/purge_guard.py)

logger = log.get_logger("clock")


def watch(session: Session, now: Reading) -> str | None:
    """Record a reading of the clock; suspend or resume sending when the verdict changes.

    Gives the problem, as a code. The scheduler calls it every ten seconds; two schedulers do no
    harm.
    """
    before, problem = clock_check.record(session, now, newest_row_at(session))
    suspended = send_suspension.CLOCK in send_suspension.stops(session)
    if problem in clock_check.STOPS_MAIL:
        if not suspended or problem != before:
            send_suspension.stop(session, send_suspension.CLOCK, f"clock_{problem}", now.at)
    elif suspended:
        send_suspension.resume(session, send_suspension.CLOCK)
    if problem != before:
        if problem:
            logger.error("clock.distrusted", why=problem)
        else:
            logger.warning("clock.trusted")
    return problem


def trust(session: Session, now: Reading) -> None:
    """Take the clock to be right, on the operator's word."""
    clock_check.trust(session, now)
    send_suspension.resume(session, send_suspension.CLOCK)


def newest_row_at(session: Session) -> datetime | None:
    """Give the moment of the newest row that somebody caused, not a purge that waits."""
    newest = (
        select(func.max(orders.c.received_at)),
        select(func.max(decisions.c.at)),
        select(func.max(events.c.at)).where(events.c.kind != PURGE_WAITING),
    )
    moments = [session.scalar(statement) for statement in newest]
    return max((at for at in moments if at), default=None)
