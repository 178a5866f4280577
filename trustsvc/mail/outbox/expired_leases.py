"""Take back the letters of senders that died."""

from datetime import datetime

from sqlalchemy import case, literal, or_, select, update
from sqlalchemy.orm import Session

from trustsvc import clock_check
from trustsvc.invitations.models import invitations, messages
from trustsvc.mail.outbox import lease_renewal
from trustsvc.orders import decision_log
from trustsvc.storage.columns import Moment


def recover(session: Session, now: datetime) -> int:
    """Take back leases that ran out; gives how many.

    A letter whose sender said nothing to the mail server yet is due again. One that was handed over
    may have arrived: it becomes unknown, is shown to the operator and never sent again by itself
    (RFC 1047; twice is worse than never). A lease that ends later than any that is taken now was
    written by a clock that jumped: it ran out too, or its letter would wait for years.
    """
    ran_out = or_(
        messages.c.leased_until < now,
        messages.c.leased_until > now + lease_renewal.LEASE + clock_check.MAX_DRIFT,
    )
    again = session.execute(
        update(messages)
        .where(messages.c.state == "leased", ran_out)
        .values(state="due", lease=None, leased_until=None)
    )
    lost = session.execute(
        update(messages)
        .where(messages.c.state == "handed", ran_out)
        .values(
            state="unknown",
            problem="sender_died",
            sent_at=case(
                (messages.c.leased_until < now, messages.c.leased_until), else_=literal(now, Moment)
            ),
        )
        .returning(messages.c.invitation_id)
    ).all()
    rows = session.execute(
        select(invitations.c.order_id).where(
            invitations.c.id.in_([row.invitation_id for row in lost])
        )
    )
    decision_log.write(
        session,
        [
            decision_log.DecisionLogEntry(row.order_id, "send", "sender_died", "unknown", now)
            for row in rows
        ],
    )
    return int(again.rowcount) + len(lost)  # type: ignore[attr-defined]
