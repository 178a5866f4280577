"""Who placed an order: read for the letter and the review, forgotten when its purpose ends."""

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
    mark: bytes

    def __repr__(self) -> str:
        return f"Buyer(order_id={self.order_id})"


def read(session: Session, order_ids: Collection[int]) -> dict[int, Buyer]:
    """Read the buyers of orders; those already forgotten are missing from the answer."""
    rows = session.execute(
        select(
            orders.c.id, orders.c.email, orders.c.name, orders.c.reference, orders.c.buyer
        ).where(orders.c.id.in_(order_ids), orders.c.email.is_not(None))
    )
    return {
        row.id: Buyer(row.id, row.email, row.name or "", row.reference or "", row.buyer or b"")
        for row in rows
    }


def erase(session: Session, order_ids: Collection[int]) -> int:
    """Forget name, address and reference of orders; gives how many had them. Twice does no harm.

    The keyed mark that counts how often a buyer is asked stays until the cap period is over; it
    cannot be turned back and only this shop's key makes it.
    """
    done = session.execute(
        update(orders)
        .where(orders.c.id.in_(order_ids), orders.c.email.is_not(None))
        .values(email=None, name=None, reference=None, locale=None)
    )
    return db.row_count(done)
