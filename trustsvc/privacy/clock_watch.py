"""Watch the machine's clock: while it is doubted no letter leaves and no large purge runs."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import clock_check, log
from trustsvc.clock import Reading
from trustsvc.mail.outbox import send_suspension
from trustsvc.orders.models import decisions, orders
from trustsvc.storage.event_log import events

PURGE_HELD = "purge.held"  # what a purge that waits writes into the outbox (guard.py)

logger = log.get_logger("clock")


def watch(session: Session, now: Reading) -> str | None:
    """Note what the clock says, stop the letters when it jumped, let them go on when it is right.

    Gives the doubt, as a code. For the clock process, every ten seconds; another one does no harm.
    """
    before, doubt = clock_check.record(session, now, newest_row_at(session))
    stopped = send_suspension.CLOCK in send_suspension.stops(session)
    if doubt in clock_check.STOPS_MAIL:
        if not stopped or doubt != before:
            send_suspension.stop(session, send_suspension.CLOCK, f"clock_{doubt}", now.at)
    elif stopped:
        send_suspension.go_on(session, send_suspension.CLOCK)
    if doubt != before:
        if doubt:
            logger.error("the clock is doubted: see trustsvc doctor", why=doubt)
        else:
            logger.warning("the clock is believed again")
    return doubt


def trust(session: Session, now: Reading) -> None:
    """Believe the clock, because the operator says so."""
    clock_check.trust(session, now)
    send_suspension.go_on(session, send_suspension.CLOCK)


def newest_row_at(session: Session) -> datetime | None:
    """Give the moment of the newest row that came of somebody's doing, not of this doubt."""
    questions = (
        select(func.max(orders.c.received_at)),
        select(func.max(decisions.c.at)),
        select(func.max(events.c.at)).where(events.c.kind != PURGE_HELD),
    )
    found = [session.scalar(question) for question in questions]
    return max((at for at in found if at), default=None)
