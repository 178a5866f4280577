"""Plan a letter again that did not leave yet: later news (shipped) names a better moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations, messages
from trustsvc.invitations.planning.eligibility import LINK_LIFETIME


@dataclass(frozen=True, slots=True)
class NewDate:
    due: datetime
    experienced: datetime


def reschedule(session: Session, better: Mapping[int, NewDate]) -> list[int]:
    """Move the letters of these orders; gives the orders whose letter was still here to be moved.

    A letter that a sender has, that left, or that was tried already stays as it is.
    """
    if not better:
        return []
    rows = session.execute(
        select(messages.c.id.label("letter"), invitations.c.id, invitations.c.order_id)
        .join(invitations, invitations.c.id == messages.c.invitation_id)
        .where(
            invitations.c.order_id.in_(better),
            invitations.c.state == "open",
            messages.c.kind == "invitation",
            messages.c.state == "due",
            messages.c.tries == 0,
        )
        .with_for_update(of=[invitations, messages], skip_locked=True)
    ).all()
    if not rows:
        return []
    news = [(row, better[row.order_id]) for row in rows]
    connection = session.connection()
    connection.execute(
        update(messages).where(messages.c.id == bindparam("one")).values(due_at=bindparam("at")),
        [{"one": row.letter, "at": new.due} for row, new in news],
    )
    connection.execute(
        update(invitations)
        .where(invitations.c.id == bindparam("one"))
        .values(expires_at=bindparam("end"), experienced_at=bindparam("day")),
        [
            {"one": row.id, "end": new.due + LINK_LIFETIME, "day": new.experienced}
            for row, new in news
        ],
    )
    return [row.order_id for row in rows]
