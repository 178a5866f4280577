"""Take in what came back about a message; its kind says what follows."""

import re
from datetime import datetime
from typing import Literal

from sqlalchemy import func, literal
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.mail.feedback import complaint_rate
from trustsvc.mail.feedback.models import mail_reports
from trustsvc.mail.feedback.parsers.report import Report
from trustsvc.mail.outbox import return_path
from trustsvc.mail.outbox.kinds import ReportedMessage, by_name
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import (
    DUE,
    HANDED,
    LEASED,
    REFUSED,
    SENT,
    UNKNOWN,
    message_states,
)
from trustsvc.storage import db
from trustsvc.storage.columns import Moment

_CODE = re.compile(r"[A-Za-z0-9._-]{1,40}")  # a provider may one day use another kind of word

ReportOutcome = Literal["taken", "duplicate", "unknown_letter"]

logger = log.get_logger("mail")


def accept(session: Session, report: Report, source: str, now: datetime) -> ReportOutcome:
    """Write a report down and do what it asks for; the second of its kind changes nothing.

    A report that names no message of ours changes nothing: whoever does not hold the message
    cannot make its code, so nobody can suppress somebody else. Raises Unavailable when the
    suppression journal cannot be written.
    """
    message = return_path.find(session, report.codes)
    if message is None:
        logger.info("mail.report_unmatched", source=source, kind=report.kind)
        return "unknown_letter"
    code = report.status if _CODE.fullmatch(report.status) else "other"
    row = {"message_id": message.id, "kind": report.kind, "code": code, "source": source, "at": now}
    once = db.insert(mail_reports).values(**row).on_conflict_do_nothing()
    if session.execute(once.returning(mail_reports.c.message_id)).first() is None:
        return "duplicate"
    if report.kind in {"delivered", "complaint"}:
        _set_arrived(session, message, now)
    kind = by_name(message.kind)
    taken_as = kind.reported(session, message, report.kind, code, now)
    if taken_as == "hard":
        _set_bounced(session, message)
    if taken_as == "complaint" and kind.obeys_send_suspension:
        complaint_rate.check(session, now)
    logger.info("mail.report_accepted", source=source, kind=taken_as, code=code, message=message.id)
    return "taken"


def _set_bounced(session: Session, message: ReportedMessage) -> None:
    session.execute(
        message_states.update(messages, (HANDED, SENT, UNKNOWN), REFUSED)
        .where(messages.c.id == message.id)
        .values(reason="bounced", sent_at=None)
    )


def _set_arrived(session: Session, message: ReportedMessage, now: datetime) -> None:
    """A message that nobody could know about was sent after all.

    One that waits to be sent again is not; whoever has its lease finds it lost.
    """
    session.execute(
        message_states.update(messages, (DUE, LEASED, UNKNOWN), SENT)
        .where(messages.c.id == message.id)
        .values(reason=None, sent_at=func.coalesce(messages.c.sent_at, literal(now, Moment)))
    )
