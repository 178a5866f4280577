"""How often readers complain, and what follows: first an alarm, then a send suspension.

Gmail and Yahoo ask for less than 0.1 % and never 0.3 %. Seven days, because volume goes by the day
of the week and a complaint comes within days. Complaints count on the day they come, messages on
the day they left. Only kinds that obey a suspension count.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.mail.feedback.models import mail_reports
from trustsvc.mail.outbox import kinds, send_suspension
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db, event_log
from trustsvc.storage.columns import EVERY_SHOP

WINDOW = timedelta(days=7)
ALARM = 0.001
STOP = 0.003
LEAST_TO_STOP = 3  # one complaint among few messages is a person, three are a pattern
AGAIN = timedelta(days=1)  # for how long an alarm is not repeated
ALARMED, RESUMED = "sending.complaints", "sending.resumed"
_ADVISORY_LOCK = 0x7761746368  # any number of its own, the same in each process

logger = log.get_logger("mail")


@dataclass(frozen=True, slots=True)
class Rate:
    complaints: int
    messages: int

    @property
    def share(self) -> float:
        return self.complaints / max(self.messages, 1)

    @property
    def is_alarming(self) -> bool:
        return self.complaints > 0 and self.share >= ALARM

    @property
    def is_too_much(self) -> bool:
        return self.complaints >= LEAST_TO_STOP and self.share >= STOP


def rate(session: Session, now: datetime) -> Rate:
    """Count the last seven days; complaints from before sending went on again are settled."""
    resumed_at = _last(session, RESUMED)
    since = max(now - WINDOW, resumed_at) if resumed_at else now - WINDOW
    came = select(func.count()).where(mail_reports.c.kind == "complaint", mail_reports.c.at > since)
    left = select(func.count()).where(
        messages.c.sent_at > now - WINDOW, messages.c.kind.in_(kinds.suspendable_names())
    )
    return Rate(session.scalar(came) or 0, session.scalar(left) or 0)


def check(session: Session, now: datetime) -> None:
    """Check the rate after a complaint: raise the alarm, or suspend sending."""
    if not db.is_sqlite():  # of two complaints at once the second must see the first
        session.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    measured = rate(session, now)
    if measured.is_alarming:
        last = _last(session, ALARMED)
        if last is None or last <= now - AGAIN:
            event_log.record(session, ALARMED, EVERY_SHOP, measured.complaints, now)
        logger.warning(
            "mail.complaint_rate", complaints=measured.complaints, messages=measured.messages
        )
    if measured.is_too_much and send_suspension.COMPLAINTS not in send_suspension.stops(session):
        send_suspension.stop(session, send_suspension.COMPLAINTS, "complaint_rate", now)
        event_log.record(session, "sending.stopped", EVERY_SHOP, measured.complaints, now)
        logger.error("mail.suspended_for_complaints", complaints=measured.complaints)


def resume(session: Session, name: str, now: datetime) -> bool:
    """End a suspension by hand; False when there was none. Complaints of before count no longer."""
    if not send_suspension.resume(session, name):
        return False
    if name == send_suspension.COMPLAINTS:
        event_log.record(session, RESUMED, EVERY_SHOP, 0, now)
    return True


def _last(session: Session, kind: str) -> datetime | None:
    table = event_log.events.c
    newest: datetime | None = session.scalar(select(func.max(table.at)).where(table.kind == kind))
    return newest
