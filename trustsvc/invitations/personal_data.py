"""What the invitations hold of a person: links and letters; told, frozen, thawed, forgotten."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import case, literal, select, update
from sqlalchemy.orm import Session

from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations, messages
from trustsvc.mail.outbox import return_path
from trustsvc.storage.columns import Moment
from trustsvc.work_queue import job_queue

RESTRICTED = "restricted"


def export_invitations(
    session: Session, order_ids: Collection[int]
) -> dict[str, list[dict[str, Any]]]:
    """Give every row about these orders, by table."""
    asked = session.execute(
        select(invitations).where(invitations.c.order_id.in_(order_ids)).order_by(invitations.c.id)
    ).mappings()
    sent = session.execute(
        select(messages).where(messages.c.invitation_id.in_(_of(order_ids))).order_by(messages.c.id)
    ).mappings()
    return {"invitations": [dict(row) for row in asked], "messages": [dict(row) for row in sent]}


def erase_invitations(session: Session, order_ids: Collection[int], now: datetime) -> int:
    """Withdraw what is open and drop what has not left, also a letter that is being sent."""
    return redeem.withdraw(session, order_ids, "erased", now)


def message_codes(session: Session, order_ids: Collection[int]) -> frozenset[str]:
    """Give the codes that the letters of these orders bear, whoever they went to."""
    rows = session.execute(
        select(messages.c.id, messages.c.kind, invitations.c.link)
        .join_from(messages, invitations, invitations.c.id == messages.c.invitation_id)
        .where(invitations.c.order_id.in_(order_ids))
    )
    return frozenset(return_path.code(row.id, row.kind, row.link) for row in rows)


def restrict_invitations(session: Session, order_ids: Collection[int]) -> None:
    """Hold back what has not left; the invitation stays, and so does whom it is for."""
    session.execute(
        update(messages)
        .where(
            messages.c.invitation_id.in_(_of(order_ids)),
            messages.c.state.in_(("due", "leased")),
        )
        .values(state="dropped", problem=RESTRICTED)
    )


def lift_invitation_restriction(
    session: Session, order_ids: Collection[int], now: datetime
) -> None:
    """Let what was held back leave after all, where its invitation is still open."""
    still_open = _of(order_ids).where(invitations.c.state == "open", invitations.c.expires_at > now)
    session.execute(
        update(messages)
        .where(
            messages.c.invitation_id.in_(still_open),
            messages.c.state == "dropped",
            messages.c.problem == RESTRICTED,
        )
        .values(
            state="due",
            problem=None,
            lease=None,
            leased_until=None,
            due_at=case((messages.c.due_at < now, literal(now, Moment())), else_=messages.c.due_at),
        )
    )
    job_queue.enqueue(session, "send_invitations")


def _of(order_ids: Collection[int]) -> Any:
    return select(invitations.c.id).where(invitations.c.order_id.in_(order_ids))
