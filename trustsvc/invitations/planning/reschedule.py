"""Move an unsent invitation when a later event (shipped) gives a better date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import INVITATION, invitations, message_of_invitation
from trustsvc.invitations.planning.eligibility import LINK_LIFETIME
from trustsvc.invitations.state import OPEN
from trustsvc.mail.outbox import pending
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import DUE


@dataclass(frozen=True, slots=True)
class NewDate:
    due: datetime
    experienced: datetime


def reschedule(session: Session, dates: Mapping[int, NewDate]) -> list[int]:
    """Move the invitations of these orders; gives the orders whose invitation was moved.

    A message that is leased, sent or was attempted already does not move.
    """
    if not dates:
        return []
    rows = session.execute(
        select(messages.c.id.label("message_id"), invitations.c.id, invitations.c.order_id)
        .join(invitations, message_of_invitation)
        .where(
            invitations.c.order_id.in_(dates),
            invitations.c.state == OPEN,
            messages.c.kind == INVITATION,
            messages.c.state == DUE,
            messages.c.attempts == 0,
        )
        .with_for_update(of=[invitations, messages], skip_locked=True)
    ).all()
    if not rows:
        return []
    moved = [(row, dates[row.order_id]) for row in rows]
    pending.move(session, {row.message_id: new.due for row, new in moved})
    session.connection().execute(
        update(invitations)
        .where(invitations.c.id == bindparam("row_id"))
        .values(expires_at=bindparam("new_expiry"), experienced_at=bindparam("new_experienced")),
        [
            {
                "row_id": row.id,
                "new_expiry": new.due + LINK_LIFETIME,
                "new_experienced": new.experienced,
            }
            for row, new in moved
        ],
    )
    return [row.order_id for row in rows]
