"""Send messages again: unknown deliveries where the operator wants it, and what hit its limit."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Update
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.mail.outbox import kinds, retry_policy
from trustsvc.mail.outbox.kinds import LeasedMessage, MessageKind, OutboxEvent
from trustsvc.mail.outbox.models import LEASED_MESSAGE, messages
from trustsvc.mail.outbox.state import DUE, REFUSED, UNKNOWN, message_states
from trustsvc.work_queue import job_queue

ANSWER_TIMEOUT = timedelta(minutes=15)  # the server may take ten (RFC 5321 4.5.3.2.6)
MAX_AGE = timedelta(days=3)  # a setting that is changed sends nothing of last month


def resend_unknown(session: Session, now: datetime, of: Sequence[MessageKind]) -> int:
    """Make unknown deliveries due again with TRUSTSVC_RESEND, once each; gives how many.

    The second has the Message-ID of the first, so that a receiver can tell (RFC 1047). Every reason
    not to send is read again when it is leased. One that becomes unknown once more stays so. Keeps
    sent_at, because it may have arrived then.
    """
    if not config.current().resend:
        return 0
    again = message_states.update(messages, (UNKNOWN,), DUE).where(
        messages.c.resent < retry_policy.MAX_OPERATOR_RESENDS,
        messages.c.sent_at <= now - ANSWER_TIMEOUT,
        messages.c.sent_at > now - MAX_AGE,
    )
    again = again.values(due_at=now, resent=messages.c.resent + 1, lease=None, leased_until=None)
    return _make_due(session, again, of, "resend", now)


def retry_refused(session: Session, now: datetime) -> int:
    """Make messages that reached the retry limit due for as long once more; gives how many.

    What was withdrawn meanwhile stays withdrawn. Every other reason not to send is read when the
    message is leased, so a buyer who is forgotten by then gets none.
    """
    again = message_states.update(messages, (REFUSED,), DUE).where(
        messages.c.reason == retry_policy.LIMIT_REACHED
    )
    again = again.values(due_at=now, waited_s=0, attempts=0, reason=None)
    number = _make_due(session, again, kinds.registered(), "retry", now)
    if number:
        job_queue.enqueue(session, "send_messages")
    return number


def _make_due(
    session: Session, again: Update, of: Sequence[MessageKind], rule: str, now: datetime
) -> int:
    number = 0
    for kind in of:
        rows: Sequence[Any] = session.execute(
            again.where(
                messages.c.kind.in_(kind.names), messages.c.subject_id.in_(kind.still_open())
            ).returning(*LEASED_MESSAGE)
        ).all()
        events = [
            OutboxEvent(LeasedMessage(**row._asdict()), "send", rule, "planned", DUE)
            for row in rows
        ]
        kind.log(session, events, now)
        number += len(rows)
    return number
