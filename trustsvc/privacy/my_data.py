"""My data: what one link's bearer may see of what is kept about them."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.invitations import redeem
from trustsvc.invitations.models import letters
from trustsvc.orders.models import orders
from trustsvc.reviews import find as reviews
from trustsvc.reviews.models import reviews as reviews_table
from trustsvc.shops import find as shops

DATES = {
    "ordered": "created_at",
    "paid": "paid_at",
    "shipped": "shipped_at",
    "delivered": "delivered_at",
    "cancelled": "cancelled_at",
    "refunded": "refunded_at",
    "received": "received_at",
}
LETTER_STATES = {"leased": "on_its_way", "handed": "on_its_way"}


@dataclass(frozen=True, slots=True)
class Letter:
    kind: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MyData:
    shop: shops.Shop
    invitation: redeem.Invitation
    name: str = field(repr=False)
    address: str = field(repr=False)  # masked: a link that went astray must not tell an address
    reference: str = field(repr=False)
    locale: str
    consent: bool | None
    dates: dict[str, datetime]  # what happened to the order, in the order it usually does
    letters: list[Letter]
    review: reviews.Review | None


def read(session: Session, link_id: bytes) -> MyData:
    """Gather what is kept about an invitation and its order; raises NotFound."""
    invitation = redeem.find(session, link_id)
    order = session.execute(select(orders).where(orders.c.id == invitation.order_id)).one()
    review = reviews.of_invitation(session, invitation.id)
    of_review = session.scalar(
        select(reviews_table.c.email).where(reviews_table.c.invitation_id == invitation.id)
    )
    dates = {said: getattr(order, name) for said, name in DATES.items()}
    return MyData(
        shop=shops.by_id(session, invitation.shop_id),
        invitation=invitation,
        name=order.name or (review.name if review else ""),
        address=mask(order.email or of_review or ""),
        reference=order.reference or (review.reference if review else None) or "",
        locale=order.locale or "",
        consent=order.consent,
        dates={said: moment for said, moment in dates.items() if moment},
        letters=_letters(session, invitation.id),
        review=review,
    )


def mask(address: str) -> str:
    """Show an address so that its owner knows it and nobody else learns it: a…@e….com."""
    local, at, domain = address.rpartition("@")
    if not (local and domain):
        return ""
    name, _, top = domain.rpartition(".")
    return f"{local[0]}…{at}{name[:1]}….{top}" if name else f"{local[0]}…{at}{domain[:1]}…"


def _letters(session: Session, invitation_id: int) -> list[Letter]:
    table = letters.c
    rows = session.execute(
        select(table.kind, table.state, table.due_at, table.sent_at)
        .where(table.invitation_id == invitation_id)
        .order_by(table.id)
    )
    return [
        Letter(row.kind, LETTER_STATES.get(row.state, row.state), row.sent_at or row.due_at)
        for row in rows
    ]
