"""An invitation's end: used up by a review, or withdrawn for a reason."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, select
from sqlalchemy.orm import Session

from trustsvc.errors import NotFound
from trustsvc.invitations.models import MESSAGE_KINDS, invitations
from trustsvc.invitations.state import (
    OPEN,
    REDEEMED,
    SUSPENDED,
    WITHDRAWN,
    InvitationState,
    invitation_states,
)
from trustsvc.mail.outbox import pending
from trustsvc.orders import buyer, decision_log
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.storage import db

_COLUMNS: tuple[Column[Any], ...] = (
    invitations.c.id,
    invitations.c.shop_id,
    invitations.c.order_id,
    invitations.c.state,
    invitations.c.reason,
    invitations.c.language,
    invitations.c.zone,
    invitations.c.experienced_at,
    invitations.c.expires_at,
    invitations.c.basis,
)


@dataclass(frozen=True, slots=True)
class Invitation:
    id: int
    shop_id: int
    order_id: int
    state: InvitationState
    reason: str | None
    language: str
    zone: str
    experienced_at: datetime
    expires_at: datetime
    basis: str


def find(session: Session, link: bytes) -> Invitation:
    """Find an invitation by the random id inside its links; raises NotFound."""
    row = session.execute(select(*_COLUMNS).where(invitations.c.link == link)).first()
    if row is None:
        raise NotFound
    return Invitation(**(row._asdict() | {"state": InvitationState(row.state)}))


def redeem(session: Session, invitation: Invitation, now: datetime) -> bool:
    """Use an invitation up for a review; False when it is no longer open.

    Compare-and-set: of any number of posts at once one gets True. Messages that wait are dropped.
    """
    done = session.execute(
        invitation_states.update(invitations, (OPEN,), REDEEMED).where(
            invitations.c.id == invitation.id
        )
    )
    if not db.row_count(done):
        return False
    pending.drop(session, MESSAGE_KINDS, [invitation.id], "reviewed")
    decision_log.write(
        session,
        [
            decision_log.DecisionLogEntry(
                invitation.order_id, DecisionStep.REDEEM, "review", Outcome.REDEEMED, now
            )
        ],
    )
    return True


def withdraw(
    session: Session,
    order_ids: Collection[int],
    reason: str,
    now: datetime,
    *,
    accepts_buyer: bool = False,
) -> int:
    """Withdraw what is open for these orders: cancelled, refunded, stopped, objected, erased.

    Gives how many were open; twice does no harm. The buyer's name and address are forgotten: their
    purpose is over. `accepts_buyer`: newer news of the shop may bring them back.
    """
    # Orders before invitations before messages, as everywhere: else they could deadlock.
    buyer.erase(session, order_ids, accepts_buyer=accepts_buyer)
    rows = session.execute(
        invitation_states.update(invitations, (OPEN, SUSPENDED), WITHDRAWN)
        .where(invitations.c.order_id.in_(order_ids))
        .values(reason=reason)
        .returning(invitations.c.id, invitations.c.order_id)
    ).all()
    pending.drop(session, MESSAGE_KINDS, [row.id for row in rows], reason)
    decision_log.write(
        session,
        [
            decision_log.DecisionLogEntry(
                row.order_id, DecisionStep.WITHDRAW, reason, Outcome.WITHDRAWN, now
            )
            for row in rows
        ],
    )
    return len(rows)
