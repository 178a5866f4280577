"""Checks of duties towards people: open requests, changed notices, overdue deletions."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.orders import request_models
from trustsvc.orders.received import RequestWait
from trustsvc.privacy import request_log
from trustsvc.privacy.documents import announcement
from trustsvc.privacy.rights import objection_bursts
from trustsvc.server_log.models import security_entries

MAX_NAMED = 5
MANY_ATTEMPTS = 3
LONG = timedelta(hours=1)  # the hourly limit of messages begins again
REMEDY = "answer them: /desk/requests"


def waiting(session: Session, now: datetime) -> Finding:
    """Warn from day 20 of an open request, fail from day 30 (GDPR Art. 12(3))."""
    name = "requests of people"
    day = request_log.oldest_open_days(session, now)
    if day is None:
        return ok(name, "none is open")
    detail = f"the oldest has waited for {day} of {request_log.DAYS} days"
    if day >= request_log.DAYS:
        return fail(name, detail, REMEDY)
    return warn(name, detail, REMEDY) if day >= request_log.ALARM_DAY else ok(name, detail)


def failing(session: Session, _: datetime) -> list[Finding]:
    """Fail while a request that came without a link could not be answered; none is no line."""
    table = request_models.privacy_requests.c
    number, since = session.execute(
        select(func.count(), func.min(table.requested_at)).where(table.attempts >= MANY_ATTEMPTS)
    ).one()
    if not number:
        return []
    detail = f"{number} failed {MANY_ATTEMPTS} times or more, the oldest of {since:%Y-%m-%d}"
    return [fail("failing requests", detail, "see privacy.request_failed in the worker's log")]


def limited(session: Session, now: datetime) -> list[Finding]:
    """Fail while a request waits for long for the hour's messages to end; none is no line.

    However often it was put back: it keeps since when.
    """
    table = request_models.privacy_requests.c
    number, since = session.execute(
        select(func.count(), func.min(table.waits_since)).where(
            table.waits_for == RequestWait.LIMIT
        )
    ).one()
    if not number or now - since < LONG:
        return []
    hours = int((now - since).total_seconds()) // 3600
    detail = f"{number} wait for TRUSTSVC_CONFIRMATIONS_HOURLY, the oldest for {hours} hours"
    remedy = "trustsvc objections list says where they come from; real ones need a higher limit"
    return [fail("limited requests", detail, f"{remedy}; after three days they are left to staff")]


def objections(session: Session, now: datetime) -> Finding:
    """Fail while a burst of objections by the public page waits for a look, or goes on."""
    name = "objections"
    burst = objection_bursts.current(session, now)
    detail = f"{burst.number} by the public page in a day, {burst.last_hour} in the past hour"
    if not burst.is_alarming:
        return ok(name, detail)
    remedy = "trustsvc objections list; then trustsvc objections undo or keep, or /desk/requests"
    return fail(name, f"{detail}: a burst, of which {burst.held} wait for a look", remedy)


def unannounced(session: Session) -> list[Finding]:
    """Warn of changed notices that were not announced to the people; none is no line."""
    notices = announcement.unannounced(session)
    if not notices:
        return []
    named = "; ".join(
        f"version {one.version} of {one.slug}: {one.people} people" for one in notices[:MAX_NAMED]
    )
    more = f"; {len(notices) - MAX_NAMED} shops more" if len(notices) > MAX_NAMED else ""
    remedy = "announce them: trustsvc privacy announce --shop SLUG --send"
    return [warn("notice", f"not announced yet: {named}{more}", remedy)]


def overdue_security_entries(session: Session, now: datetime) -> list[Finding]:
    """Fail when security entries are older than promised; none is no line."""
    limit = now - timedelta(days=config.current().log_days)
    oldest = session.scalar(select(func.min(security_entries.c.minute)))
    if oldest is None or oldest > limit:
        return []
    remedy = "is the worker running? trustsvc purge"
    return [fail("security database", "entries are older than promised", remedy)]
