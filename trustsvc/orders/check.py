"""Take the orders that wait for a decision, with the registry's answer on each buyer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc.address import NotAnAddress
from trustsvc.crypto import pseudonyms
from trustsvc.orders import buyer
from trustsvc.orders.models import orders
from trustsvc.orders.state import OrderState, order_states
from trustsvc.registry import check


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """An order that waits. `buyer` holds its keyed marks, empty when the address is forgotten."""

    id: int
    shop_id: int
    locale: str | None
    consent: bool | None
    unpaid: bool
    created_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None
    marks: frozenset[bytes]
    registered: bool
    opted_out: bool
    restricted: bool = False


def lock_received(session: Session, most: int) -> list[CheckedOrder]:
    """Take received orders, oldest first, and ask the registry about all of them at once.

    They stay locked until the transaction ends (PostgreSQL; SQLite has one writer), so two workers
    never take the same. Of the comparison nothing but the answer is kept.
    """
    table = orders.c
    rows = session.execute(
        select(
            table.id,
            table.shop_id,
            table.email,
            table.locale,
            table.consent,
            table.unpaid,
            table.created_at,
            table.paid_at,
            table.shipped_at,
            table.delivered_at,
            table.cancelled_at,
            table.refunded_at,
        )
        .where(table.state == OrderState.RECEIVED)
        .order_by(table.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    questions = [check.RegistryQuery(row.shop_id, row.email) for row in rows if row.email]
    answers = iter(check.check(session, questions))
    unknown = check.RegistryStatus(registered=False, opted_out=False)
    checked = []
    for row in rows:
        answer = next(answers) if row.email else unknown
        known = row._asdict()
        marks = _marks(row.shop_id, known.pop("email"))
        known |= {
            "registered": answer.registered,
            "opted_out": answer.opted_out,
            "restricted": answer.restricted,
        }
        checked.append(CheckedOrder(**known, marks=marks))
    return checked


def settle(session: Session, order_ids: Collection[int], state: OrderState) -> None:
    """Settle received orders, or let them wait for news; others stay as they are."""
    session.execute(
        order_states.update(orders, [OrderState.RECEIVED], state).where(orders.c.id.in_(order_ids))
    )


def erase_buyers(session: Session, order_ids: Collection[int]) -> None:
    """Forget the buyers of orders nobody will be asked about, the keyed mark too; twice is fine."""
    buyer.erase(session, order_ids)
    session.execute(update(orders).where(orders.c.id.in_(order_ids)).values(buyer=None))


def _marks(shop_id: int, email: str | None) -> frozenset[bytes]:
    try:
        return frozenset(pseudonyms.shop_pseudonyms(shop_id, email)) if email else frozenset()
    except NotAnAddress:
        return frozenset()
