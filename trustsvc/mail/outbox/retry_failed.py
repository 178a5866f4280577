"""Try letters again that were given up, once what was wrong is mended."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations, messages
from trustsvc.mail.outbox import retry_limit
from trustsvc.orders import decision_log
from trustsvc.work_queue import job_queue


def again(session: Session, now: datetime) -> int:
    """Make letters due that were given up, for three more days; gives how many.

    What was withdrawn meanwhile stays so, and every other reason not to send is looked at where
    they are leased: a buyer who is forgotten by then gets none.
    """
    is_open = select(invitations.c.id).where(invitations.c.state == "open")
    rows = session.execute(
        update(messages)
        .where(
            messages.c.state == "refused",
            messages.c.problem == retry_limit.RULE,
            messages.c.invitation_id.in_(is_open),
        )
        .values(state="due", due_at=now, waited=0, tries=0, problem=None)
        .returning(messages.c.invitation_id)
    ).all()
    of = select(invitations.c.order_id).where(
        invitations.c.id.in_([row.invitation_id for row in rows])
    )
    lines = [
        decision_log.DecisionLogEntry(id_, "send", "again", "planned", now)
        for id_ in session.scalars(of)
    ]
    decision_log.write(session, lines)
    if rows:
        job_queue.enqueue(session, "send_invitations")
    return len(rows)
