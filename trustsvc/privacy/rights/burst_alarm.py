"""Tell the operator of a burst of objections, by e-mail, once an hour while it lasts."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import config, i18n, log
from trustsvc.address import NotAnAddress
from trustsvc.privacy.rights import objection_bursts
from trustsvc.privacy.rights.burst_policy import HOUR
from trustsvc.storage import event_log
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.storage.event_log import events
from trustsvc.transactional_mail import enqueue

EVENT = "objection.burst"
TEMPLATE = "objection_burst"
MAX_MAILS_A_DAY = 24

logger = log.get_logger("privacy")


def watch(session: Session, now: datetime) -> bool:
    """Raise the alarm if there is a burst and it was not raised within the hour; gives whether."""
    burst = objection_bursts.current(session, now)
    if not burst.is_alarming or _was_raised(session, now):
        return False
    event_log.record(session, EVENT, EVERY_SHOP, burst.number, now)
    logger.warning("privacy.objection_burst", number=burst.number, held=burst.held)
    settings = config.current()
    note = enqueue.TransactionalMessage(
        TEMPLATE,
        i18n.FALLBACK,
        settings.alarm_to,
        facts={
            "number": str(burst.number),
            "held": str(burst.held),
            "link": f"{settings.base_url}/desk/requests#objections",
        },
    )
    try:
        return enqueue.write(session, note, now, most=MAX_MAILS_A_DAY)
    except NotAnAddress:  # nobody is reached at a loopback host
        return False


def _was_raised(session: Session, now: datetime) -> bool:
    mine = select(events.c.id).where(events.c.at > now - HOUR, events.c.kind == EVENT)
    return session.scalar(mine.limit(1)) is not None
