"""Letters of which nobody can know whether they arrived, for whoever looks after the house."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations, messages
from trustsvc.orders.models import orders
from trustsvc.shops.models import shops


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A letter by its shop and order; the reference while it is known, never an address."""

    order_id: int
    reference: str | None = field(repr=False)
    shop: str
    zone: str
    kind: str
    problem: str
    at: datetime
    resent: bool


def count(session: Session, since: datetime | None = None) -> int:
    number = select(func.count()).select_from(messages).where(messages.c.state == "unknown")
    if since:
        number = number.where(messages.c.sent_at > since)
    return session.scalar(number) or 0


def newest(session: Session, most: int = 100) -> list[Doubtful]:
    rows = session.execute(
        select(
            orders.c.id,
            orders.c.reference,
            shops.c.name,
            shops.c.zone,
            messages.c.kind,
            messages.c.problem,
            messages.c.sent_at,
            messages.c.resent,
        )
        .join_from(messages, invitations, invitations.c.id == messages.c.invitation_id)
        .join(orders, orders.c.id == invitations.c.order_id)
        .join(shops, shops.c.id == invitations.c.shop_id)
        .where(messages.c.state == "unknown")
        .order_by(messages.c.sent_at.desc())
        .limit(most)
    )
    return [Doubtful(*row[:5], row.problem or "", row.sent_at, bool(row.resent)) for row in rows]
