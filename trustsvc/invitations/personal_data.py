"""The personal data of invitations and their messages: export, restrict, erase."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from trustsvc.invitations import redeem
from trustsvc.invitations.models import MESSAGE_KINDS, invitations, message_of_invitation
from trustsvc.invitations.planning.eligibility import RESTRICTED
from trustsvc.invitations.state import OPEN
from trustsvc.mail.outbox import pending, return_path
from trustsvc.mail.outbox.models import messages
from trustsvc.storage.columns import TableRows
from trustsvc.work_queue import job_queue


def invitation_rows(session: Session, order_ids: Collection[int]) -> TableRows:
    """Give every row about these orders, by table."""
    asked = session.execute(
        select(invitations).where(invitations.c.order_id.in_(order_ids)).order_by(invitations.c.id)
    ).mappings()
    sent = session.execute(
        select(messages)
        .join(invitations, message_of_invitation)
        .where(invitations.c.order_id.in_(order_ids))
        .order_by(messages.c.id)
    ).mappings()
    return {"invitations": [dict(row) for row in asked], "messages": [dict(row) for row in sent]}


def erase_invitations(
    session: Session, order_ids: Collection[int], now: datetime, *, accepts_buyer: bool = False
) -> int:
    """Withdraw what is open and drop what has not left, also a message that is being sent."""
    return redeem.withdraw(session, order_ids, "erased", now, accepts_buyer=accepts_buyer)


def message_codes(session: Session, order_ids: Collection[int]) -> frozenset[str]:
    """Give the codes in the Message-IDs of these orders' messages, to find them in the maildir."""
    tokens = session.scalars(
        select(messages.c.token)
        .join(invitations, message_of_invitation)
        .where(invitations.c.order_id.in_(order_ids))
    )
    return frozenset(map(return_path.code, tokens))


def restrict_invitations(session: Session, order_ids: Collection[int]) -> None:
    """Hold back what has not left; the invitation stays, and so does whom it is for."""
    of_orders = session.scalars(_ids(order_ids)).all()
    pending.drop(session, MESSAGE_KINDS, of_orders, RESTRICTED)


def lift_invitation_restriction(
    session: Session, order_ids: Collection[int], now: datetime
) -> None:
    """Let what was held back leave after all, where its invitation is still open."""
    still_open = session.scalars(
        _ids(order_ids).where(invitations.c.state == OPEN, invitations.c.expires_at > now)
    ).all()
    pending.undrop(session, MESSAGE_KINDS, still_open, RESTRICTED, now)
    job_queue.enqueue(session, "send_messages")


def _ids(order_ids: Collection[int]) -> Select[int]:
    return select(invitations.c.id).where(invitations.c.order_id.in_(order_ids))
