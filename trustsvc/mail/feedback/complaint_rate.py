"""How often readers complain, and what follows: an alarm first, then no more letters.

Gmail and Yahoo ask for less than 0.1 % and never 0.3 %. Seven days: letters leave by the days of
the week, and a complaint comes within days, so a week holds a round of both. Complaints count on
the day they come, letters on the day they left.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.invitations.models import mail_reports, messages
from trustsvc.mail.outbox import send_suspension
from trustsvc.storage import db, event_log
from trustsvc.storage.columns import EVERY_SHOP

WINDOW = timedelta(days=7)
ALARM = 0.001
STOP = 0.003
LEAST_TO_STOP = 3  # one complaint among few letters is a person, three are a pattern
AGAIN = timedelta(days=1)  # an alarm is not told more often
ALARMED, WENT_ON = "sending.complaints", "sending.went_on"
_ONE_AT_A_TIME = 0x7761746368  # any number of its own, the same in each process

logger = log.get_logger("invitations")


@dataclass(frozen=True, slots=True)
class Rate:
    complaints: int
    letters: int

    @property
    def share(self) -> float:
        return self.complaints / max(self.letters, 1)

    @property
    def is_alarming(self) -> bool:
        return self.complaints > 0 and self.share >= ALARM

    @property
    def is_too_much(self) -> bool:
        return self.complaints >= LEAST_TO_STOP and self.share >= STOP


def rate(session: Session, now: datetime) -> Rate:
    """Count the last seven days; complaints from before sending went on again are settled."""
    went_on = _last(session, WENT_ON)
    since = max(now - WINDOW, went_on) if went_on else now - WINDOW
    came = select(func.count()).where(mail_reports.c.kind == "complaint", mail_reports.c.at > since)
    left = select(func.count()).where(messages.c.sent_at > now - WINDOW)
    return Rate(session.scalar(came) or 0, session.scalar(left) or 0)


def weigh(session: Session, now: datetime) -> None:
    """Look at the rate after a complaint: say that it is alarming, stop where it is too much."""
    if not db.is_sqlite():  # of two complaints at once the second must see the first
        session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    found = rate(session, now)
    if found.is_alarming:
        last = _last(session, ALARMED)
        if last is None or last <= now - AGAIN:
            event_log.record(session, ALARMED, EVERY_SHOP, found.complaints, now)
        logger.warning("complaints", complaints=found.complaints, letters=found.letters)
    if found.is_too_much and send_suspension.COMPLAINTS not in send_suspension.stops(session):
        send_suspension.stop(session, send_suspension.COMPLAINTS, "complaint_rate", now)
        event_log.record(session, "sending.stopped", EVERY_SHOP, found.complaints, now)
        logger.error("no letter leaves: too many complaints", complaints=found.complaints)


def go_on(session: Session, name: str, now: datetime) -> bool:
    """Take a stop back by hand; False when there was none. Complaints so far are settled by it."""
    if not send_suspension.go_on(session, name):
        return False
    if name == send_suspension.COMPLAINTS:
        event_log.record(session, WENT_ON, EVERY_SHOP, 0, now)
    return True


def _last(session: Session, kind: str) -> datetime | None:
    table = event_log.events.c
    found: datetime | None = session.scalar(select(func.max(table.at)).where(table.kind == kind))
    return found
