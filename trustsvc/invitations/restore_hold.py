"""Messages that a restored backup shows as waiting, and that may have left since it was made."""

from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from trustsvc.invitations.message_kind import INVITATIONS
from trustsvc.invitations.models import MESSAGE_KINDS
from trustsvc.invitations.planning import plan, reminders
from trustsvc.mail.outbox.kinds import LeasedMessage, OutboxEvent
from trustsvc.mail.outbox.models import LEASED_MESSAGE, messages
from trustsvc.mail.outbox.state import LEASED, UNKNOWN, UNSENT, message_states
from trustsvc.storage.batches import batches

REASON = "restored"
# What was due in the past is planned for the next opening hour: after a weekend at most.
NEXT_OPENING = timedelta(days=4)


def hold(session: Session, now: datetime) -> int:
    """Set invitations and reminders that were due before now aside as unknown; gives how many.

    Twice is worse than never (RFC 1047): they are shown to staff and not sent again by themselves.
    Orders that wait for a decision and reminders whose day has come are planned first, because they
    may have been planned, and sent, before. Twice does no harm. A message that is due later has not
    left.
    """
    last = session.scalar(select(func.max(messages.c.id))) or 0
    while plan.plan_invitations(session, now):
        pass
    while reminders.plan_due_reminders(session, now):
        pass
    just_planned = and_(messages.c.id > last, messages.c.due_at <= now + NEXT_OPENING)
    rows = session.execute(
        message_states.update(messages, UNSENT, UNKNOWN)
        .where(
            messages.c.kind.in_(MESSAGE_KINDS),
            or_(messages.c.due_at <= now, just_planned, messages.c.state == LEASED),
        )
        .values(reason=REASON, sent_at=now, lease=None, leased_until=None)
        .returning(*LEASED_MESSAGE)
    ).all()
    events = [
        OutboxEvent(LeasedMessage(**row._asdict()), "restore", REASON, "unknown", UNKNOWN)
        for row in sorted(rows, key=lambda row: row.id)
    ]
    for batch in batches(events):
        INVITATIONS.log(session, batch, now)
    return len(rows)
