"""An invitation's end: used up by a review, or withdrawn for a reason."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc.errors import NotFound
from trustsvc.invitations.models import invitations, messages
from trustsvc.orders import buyer, decision_log


@dataclass(frozen=True, slots=True)
class Invitation:
    id: int
    shop_id: int
    order_id: int
    state: str
    reason: str | None
    language: str
    zone: str
    experienced_at: datetime
    expires_at: datetime
    basis: str


def find(session: Session, link: bytes) -> Invitation:
    """Find an invitation by the random id inside its links; raises NotFound."""
    table = invitations.c
    row: Any = session.execute(
        select(
            table.id,
            table.shop_id,
            table.order_id,
            table.state,
            table.reason,
            table.language,
            table.zone,
            table.experienced_at,
            table.expires_at,
            table.basis,
        ).where(table.link == link)
    ).first()
    if row is None:
        raise NotFound
    return Invitation(*row)


def redeem(session: Session, invitation: Invitation, now: datetime) -> bool:
    """Use an invitation up for a review; False when it is no longer open.

    Compare-and-set: of any number of posts at once one gets True. Letters that wait are dropped.
    """
    done = session.execute(
        update(invitations)
        .where(invitations.c.id == invitation.id, invitations.c.state == "open")
        .values(state="redeemed")
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        return False
    _drop_letters(session, [invitation.id], "reviewed")
    decision_log.write(
        session,
        [decision_log.DecisionLogEntry(invitation.order_id, "redeem", "review", "redeemed", now)],
    )
    return True


def withdraw(session: Session, order_ids: Collection[int], reason: str, now: datetime) -> int:
    """Withdraw what is open for these orders: cancelled, refunded, stopped, objected, erased.

    Gives how many were open; twice does no harm. The buyer's name and address are forgotten: their
    purpose is over.
    """
    # Orders before invitations before letters, as everywhere: rows taken crosswise could deadlock.
    buyer.erase(session, order_ids)
    rows = session.execute(
        update(invitations)
        .where(invitations.c.order_id.in_(order_ids), invitations.c.state == "open")
        .values(state="withdrawn", reason=reason)
        .returning(invitations.c.id, invitations.c.order_id)
    ).all()
    _drop_letters(session, [row.id for row in rows], reason)
    decision_log.write(
        session,
        [
            decision_log.DecisionLogEntry(row.order_id, "withdraw", reason, "withdrawn", now)
            for row in rows
        ],
    )
    return len(rows)


def _drop_letters(session: Session, invitation_ids: Collection[int], problem: str) -> None:
    """Drop what has not left. Leased ones too: their sender finds the lease lost before the dot."""
    session.execute(
        update(messages)
        .where(
            messages.c.invitation_id.in_(invitation_ids), messages.c.state.in_(("due", "leased"))
        )
        .values(state="dropped", problem=problem)
    )
