"""Suspend the invitations of orders that must wait, and plan them again when news allows it.

Only what has not been sent is touched: an invitation that a buyer holds stays open, and its
reminder waits while the order does (message_kind.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, select, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import (
    INVITATION,
    invitations,
    message_of_invitation,
)
from trustsvc.invitations.planning.eligibility import REVIEW_LINK_LIFETIME
from trustsvc.invitations.state import (
    OPEN,
    SUSPENDED,
    WITHDRAWN,
    InvitationState,
    invitation_states,
)
from trustsvc.mail.outbox import pending
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import DROPPED, DUE, UNSENT

SUSPENDED_REASON = "suspended"


@dataclass(frozen=True, slots=True)
class PlannedInvitation:
    """An order's invitation; `is_unsent`: its message has not left, and may be taken back."""

    id: int
    state: InvitationState
    reason: str | None
    is_unsent: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewDate:
    due: datetime
    experienced: datetime
    language: str
    zone: str


def planned(session: Session, order_ids: Collection[int]) -> dict[int, PlannedInvitation]:
    """Read the invitations of these orders, by order."""
    rows = session.execute(
        select(
            invitations.c.order_id,
            invitations.c.id,
            invitations.c.state,
            invitations.c.reason,
            invitations.c.created_at,
            messages.c.state.label("message_state"),
        )
        .outerjoin(messages, and_(message_of_invitation, messages.c.kind == INVITATION))
        .where(invitations.c.order_id.in_(order_ids))
    )
    return {
        row.order_id: PlannedInvitation(
            id=row.id,
            state=InvitationState(row.state),
            reason=row.reason,
            is_unsent=row.message_state in {*UNSENT, DROPPED},
            created_at=row.created_at,
        )
        for row in rows
    }


def suspend(session: Session, found: Collection[PlannedInvitation], reason: str) -> None:
    """Hold back what has not left. Twice changes nothing."""
    unsent = [one.id for one in found if one.is_unsent]
    # Only what is dropped here: a sender may have handed a message over since it was read.
    dropped = pending.drop(session, (INVITATION,), unsent, SUSPENDED_REASON)
    session.execute(
        invitation_states.update(invitations, (OPEN,), SUSPENDED)
        .where(invitations.c.id.in_(dropped))
        .values(reason=reason)
    )


def resume(session: Session, found: Mapping[int, PlannedInvitation], now: datetime) -> None:
    """Open suspended and withdrawn invitations of these orders again; their messages are due."""
    unsent = [one.id for one in found.values() if one.is_unsent and one.state != OPEN]
    session.execute(
        invitation_states.update(invitations, (SUSPENDED, WITHDRAWN), OPEN)
        .where(invitations.c.id.in_(unsent))
        .values(reason=None)
    )
    for reason in {one.reason for one in found.values() if one.reason} | {SUSPENDED_REASON}:
        pending.undrop(session, (INVITATION,), unsent, reason, now)


def reschedule(session: Session, dates: Mapping[int, NewDate]) -> list[int]:
    """Move the invitations of these orders; gives the orders whose invitation was moved.

    A message that is leased or may have left does not move. One that was attempted is not due
    before its next attempt.
    """
    if not dates:
        return []
    rows = session.execute(
        select(
            messages.c.id.label("message_id"),
            messages.c.attempts,
            messages.c.due_at,
            invitations.c.id,
            invitations.c.order_id,
        )
        .join(invitations, message_of_invitation)
        .where(
            invitations.c.order_id.in_(dates),
            invitations.c.state == OPEN,
            messages.c.kind == INVITATION,
            messages.c.state == DUE,
            messages.c.sent_at.is_(None),
        )
        .with_for_update(of=[invitations, messages], skip_locked=True)
    ).all()
    if not rows:
        return []
    moved = [(row, _not_before_retry(row, dates[row.order_id])) for row in rows]
    pending.move(session, {row.message_id: new.due for row, new in moved})
    session.connection().execute(
        update(invitations)
        .where(invitations.c.id == bindparam("one"))
        .values(
            expires_at=bindparam("end"),
            experienced_at=bindparam("day"),
            language=bindparam("words"),
            zone=bindparam("hours"),
        ),
        [_values(row.id, new) for row, new in moved],
    )
    return [row.order_id for row in rows]


def _not_before_retry(row: Row[*tuple[Any, ...]], new: NewDate) -> NewDate:
    return replace(new, due=max(new.due, row.due_at)) if row.attempts else new


def _values(invitation_id: int, new: NewDate) -> dict[str, object]:
    return {
        "one": invitation_id,
        "end": new.due + REVIEW_LINK_LIFETIME,
        "day": new.experienced,
        "words": new.language,
        "hours": new.zone,
    }
