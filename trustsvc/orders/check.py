"""Lock the orders that need a decision, with the registry's status of each buyer."""

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
    """An order to decide on. `pseudonyms`: the buyer's at this shop, empty once erased."""

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
    pseudonyms: frozenset[bytes]
    registered: bool
    opted_out: bool
    restricted: bool = False


def lock_received(session: Session, most: int) -> list[CheckedOrder]:
    """Lock received orders, oldest first, and look all their buyers up in the registry at once.

    They stay locked until the transaction ends (PostgreSQL; SQLite has one writer), so two workers
    never get the same order. Of the comparison only the status is kept.
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
    queries = [check.RegistryQuery(row.shop_id, row.email) for row in rows if row.email]
    statuses = iter(check.check(session, queries))
    unknown = check.RegistryStatus(registered=False, opted_out=False)
    checked = []
    for row in rows:
        status = next(statuses) if row.email else unknown
        known = row._asdict()
        del known["email"]
        known |= {
            "registered": status.registered,
            "opted_out": status.opted_out,
            "restricted": status.restricted,
        }
        checked.append(CheckedOrder(**known, pseudonyms=_pseudonyms(row.shop_id, row.email)))
    return checked


def settle(session: Session, order_ids: Collection[int], state: OrderState) -> None:
    """Move received orders to settled or waiting; orders in other states do not change."""
    session.execute(
        order_states.update(orders, [OrderState.RECEIVED], state).where(orders.c.id.in_(order_ids))
    )


def erase_buyers(session: Session, order_ids: Collection[int]) -> None:
    """Erase the buyers of orders without invitation, pseudonym included. Safe to repeat."""
    buyer.erase(session, order_ids)
    session.execute(update(orders).where(orders.c.id.in_(order_ids)).values(buyer=None))


def _pseudonyms(shop_id: int, email: str | None) -> frozenset[bytes]:
    try:
        return frozenset(pseudonyms.shop_pseudonyms(shop_id, email)) if email else frozenset()
    except NotAnAddress:
        return frozenset()
