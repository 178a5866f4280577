"""Take back the letters of senders that died."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations, letters
from trustsvc.orders import ledger


def recover(session: Session, now: datetime) -> int:
    """Take back leases that ran out; gives how many.

    A letter whose sender said nothing to the mail server yet is due again. One that was handed over
    may have arrived: it becomes unknown, is shown to the operator and never sent again by itself
    (RFC 1047; twice is worse than never).
    """
    again = session.execute(
        update(letters)
        .where(letters.c.state == "leased", letters.c.leased_until < now)
        .values(state="due", lease=None, leased_until=None)
    )
    lost = session.execute(
        update(letters)
        .where(letters.c.state == "handed", letters.c.leased_until < now)
        .values(state="unknown", problem="sender_died", sent_at=letters.c.leased_until)
        .returning(letters.c.invitation_id)
    ).all()
    rows = session.execute(
        select(invitations.c.order_id).where(
            invitations.c.id.in_([row.invitation_id for row in lost])
        )
    )
    ledger.write(
        session, [ledger.Line(row.order_id, "send", "sender_died", "unknown", now) for row in rows]
    )
    return int(again.rowcount) + len(lost)  # type: ignore[attr-defined]
