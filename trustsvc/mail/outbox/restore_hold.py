"""Letters that a restored backup shows as waiting, and that may have left since it was made."""

from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations, messages
from trustsvc.invitations.planning import plan, reminders
from trustsvc.orders import decision_log

PROBLEM = "restored"
MOST_AT_ONCE = 500
# What was due in the past is planned for the next opening hour, and that is after a weekend at most
# (when.py).
NEXT_OPENING = timedelta(days=4)


def doubt(session: Session, now: datetime) -> int:
    """Set aside what was due before this moment as unknown; gives how many letters.

    Twice is worse than never (RFC 1047): they are shown to staff and not sent again by themselves.
    Orders that waited to be looked at and reminders whose day has come are planned here first,
    because they may have been planned, and sent, before. Twice does no harm. A letter whose day
    comes later has not left.
    """
    last = session.scalar(select(func.max(messages.c.id))) or 0
    while plan.plan_invitations(session, now):
        pass
    while reminders.plan_due_reminders(session, now):
        pass
    just_planned = and_(messages.c.id > last, messages.c.due_at <= now + NEXT_OPENING)
    rows = session.execute(
        update(messages)
        .where(
            messages.c.state.in_(("due", "leased")),
            or_(messages.c.due_at <= now, just_planned, messages.c.state == "leased"),
        )
        .values(state="unknown", problem=PROBLEM, sent_at=now, lease=None, leased_until=None)
        .returning(messages.c.invitation_id)
    ).all()
    of = sorted({row.invitation_id for row in rows})
    for start in range(0, len(of), MOST_AT_ONCE):
        found = session.execute(
            select(invitations.c.order_id).where(
                invitations.c.id.in_(of[start : start + MOST_AT_ONCE])
            )
        )
        lines = [
            decision_log.DecisionLogEntry(row.order_id, "restore", PROBLEM, "unknown", now)
            for row in found
        ]
        decision_log.write(session, lines)
    return len(rows)
