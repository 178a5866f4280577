"""Send letters again of which nobody can know whether they arrived, where the operator wants it."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.invitations.models import invitations, messages
from trustsvc.orders import decision_log

ONCE = 1
PATIENCE = timedelta(minutes=15)  # the mail server's answer may take ten (RFC 5321 4.5.3.2.6)
LATEST = timedelta(days=3)  # a setting that is changed sends nothing of last month


def resend(session: Session, now: datetime) -> int:
    """Make unknown letters due again with TRUSTSVC_RESEND, once each; gives how many.

    The second has the Message-ID of the first, so that a receiver can tell (RFC 1047). Every reason
    not to send is looked at again where it is leased. One that becomes unknown once more stays so.
    When it left first stays written down: it may have arrived then.
    """
    if not config.current().resend:
        return 0
    rows = session.execute(
        update(messages)
        .where(
            messages.c.state == "unknown",
            messages.c.resent < ONCE,
            messages.c.sent_at <= now - PATIENCE,
            messages.c.sent_at > now - LATEST,
            messages.c.invitation_id.in_(
                select(invitations.c.id).where(invitations.c.state == "open")
            ),
        )
        .values(
            state="due", due_at=now, resent=messages.c.resent + 1, lease=None, leased_until=None
        )
        .returning(messages.c.invitation_id)
    ).all()
    if rows:
        of = select(invitations.c.order_id).where(
            invitations.c.id.in_([row.invitation_id for row in rows])
        )
        lines = [
            decision_log.DecisionLogEntry(id_, "send", "resend", "planned", now)
            for id_ in session.scalars(of)
        ]
        decision_log.write(session, lines)
    return len(rows)
