"""Contact of a buyer: read for the invitation and the review, erased when no longer needed."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc.orders.models import orders
from trustsvc.storage import db


@dataclass(frozen=True, slots=True)
class Buyer:
    order_id: int
    email: str
    name: str
    reference: str
    pseudonym: bytes

    def __repr__(self) -> str:
        return f"Buyer(order_id={self.order_id})"


def read(session: Session, order_ids: Collection[int]) -> dict[int, Buyer]:
    """Read the buyers of orders; those already erased are missing from the result."""
    rows = session.execute(
        select(
            orders.c.id, orders.c.email, orders.c.name, orders.c.reference, orders.c.buyer_pseudonym
        ).where(orders.c.id.in_(order_ids), orders.c.email.is_not(None))
    )
    return {
        row.id: Buyer(
            row.id, row.email, row.name or "", row.reference or "", row.buyer_pseudonym or b""
        )
        for row in rows
    }


def erase(session: Session, order_ids: Collection[int], *, accepts_buyer: bool = False) -> int:
    """Erase name, address and reference of orders; gives how many had them. Safe to repeat.

    The shop's keyed pseudonym stays until the cap period ends, to limit how often a buyer is
    invited. It is one-way, and only this shop's key produces it. `accepts_buyer`: the order ended,
    or does not qualify, and newer news from the shop may bring the buyer back. Once it was erased
    for good, nothing does.
    """
    table = orders.c
    done = session.execute(
        update(orders)
        .where(table.id.in_(order_ids), table.email.is_not(None))
        .values(email=None, name=None, reference=None, locale=None, zone=None)
    )
    if not accepts_buyer:
        session.execute(
            update(orders)
            .where(table.id.in_(order_ids), table.accepts_buyer)
            .values(accepts_buyer=False)
        )
    return db.row_count(done)
