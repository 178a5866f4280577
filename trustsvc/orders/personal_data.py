"""Personal data in orders: find by the shop's pseudonym, read, correct, erase."""

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.orders import buyer
from trustsvc.orders.models import decisions, orders
from trustsvc.orders.state import OrderState, order_states
from trustsvc.storage import db
from trustsvc.storage.batches import batches
from trustsvc.storage.columns import TableRows
from trustsvc.work_queue import job_queue


def find_orders(session: Session, shop_ids: Collection[int], buyers: Collection[bytes]) -> set[int]:
    """Find the orders of these pseudonyms at these shops."""
    order_ids: set[int] = set()
    for batch in batches(sorted(buyers)):
        order_ids.update(
            session.scalars(
                select(orders.c.id).where(
                    orders.c.shop_id.in_(shop_ids), orders.c.buyer_pseudonym.in_(batch)
                )
            )
        )
    return order_ids


def without_contact(session: Session, order_ids: Collection[int]) -> set[int]:
    """Give those of these orders that hold no address."""
    without_address = select(orders.c.id).where(
        orders.c.id.in_(order_ids), orders.c.email.is_(None)
    )
    return set(session.scalars(without_address))


def find_orders_by_reference(
    session: Session, shop_id: int, references: Collection[str]
) -> set[int]:
    """Find orders by the ids their platform gave them."""
    identities = [pseudonyms.text_pseudonym(shop_id, reference) for reference in references]
    return set(
        session.scalars(
            select(orders.c.id).where(
                orders.c.shop_id == shop_id, orders.c.identity.in_(identities)
            )
        )
    )


def order_rows(session: Session, order_ids: Collection[int]) -> TableRows:
    """Give all rows about these orders, by table."""
    placed = session.execute(
        select(orders).where(orders.c.id.in_(order_ids)).order_by(orders.c.id)
    ).mappings()
    decided = session.execute(
        select(decisions).where(decisions.c.order_id.in_(order_ids)).order_by(decisions.c.id)
    ).mappings()
    return {"orders": [dict(row) for row in placed], "decision_log": [dict(row) for row in decided]}


def erase_orders(
    session: Session, order_ids: Collection[int], *, accepts_buyer: bool = False
) -> int:
    """Erase the buyers of these orders, pseudonym included; gives how many had one.

    The row stays without buyer data, so that a repeated delivery does not create the order again.
    `accepts_buyer`: newer news of the shop may name the buyer again.
    """
    lock_orders(session, order_ids)
    known = set(
        session.scalars(
            select(orders.c.id).where(
                orders.c.id.in_(order_ids),
                orders.c.email.is_not(None) | orders.c.buyer_pseudonym.is_not(None),
            )
        )
    )
    buyer.erase(session, known, accepts_buyer=accepts_buyer)
    empty: dict[str, object] = {"buyer_pseudonym": None}
    if not accepts_buyer:
        empty |= {"consent": None, "accepts_buyer": False}
    session.execute(update(orders).where(orders.c.id.in_(order_ids)).values(**empty))
    session.execute(
        order_states.update(orders, [OrderState.WAITING], OrderState.SETTLED).where(
            orders.c.id.in_(order_ids)
        )
    )
    return len(known)


def lock_orders(session: Session, order_ids: Collection[int]) -> None:
    """Lock these orders by ascending id, as every caller does (PostgreSQL)."""
    rows = select(orders.c.id).where(orders.c.id.in_(order_ids)).order_by(orders.c.id)
    session.execute(rows.with_for_update()).all()


def correct_buyer_name(session: Session, order_ids: Collection[int], name: str) -> int:
    """Replace the name where one is stored; gives for how many orders."""
    done = session.execute(
        update(orders)
        .where(orders.c.id.in_(order_ids), orders.c.email.is_not(None))
        .values(name=name)
    )
    return db.row_count(done)


def correct_buyer_address(
    session: Session, shop_id: int, order_ids: Collection[int], new: str
) -> int:
    """Replace address and pseudonym at one shop, where an address is stored; gives how many."""
    done = session.execute(
        update(orders)
        .where(
            orders.c.id.in_(order_ids),
            orders.c.shop_id == shop_id,
            orders.c.email.is_not(None),
        )
        .values(email=new, buyer_pseudonym=pseudonyms.shop_pseudonym(shop_id, new))
    )
    return db.row_count(done)


def lift_order_restriction(session: Session, order_ids: Collection[int]) -> None:
    """Have orders that arrived while their buyer's data was restricted decided again."""
    session.execute(
        order_states.update(orders, [OrderState.WAITING], OrderState.RECEIVED).where(
            orders.c.id.in_(order_ids)
        )
    )
    job_queue.enqueue(session, "check_orders")
