"""Lock the orders that need a decision, with the registry's status of each buyer."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Row, select, type_coerce, update
from sqlalchemy.orm import Session

from trustsvc import address_rules, config
from trustsvc.address import NotAnAddress, normalise
from trustsvc.crypto import pseudonyms
from trustsvc.orders import buyer, restricted_buyers
from trustsvc.orders.facts import OrderFacts
from trustsvc.orders.models import orders
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.state import OrderState, order_states
from trustsvc.registry import check
from trustsvc.shops.models import shops

FACTS: tuple[Column[Any], ...] = tuple(orders.c[one.name] for one in fields(OrderFacts))


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """An order to decide on. `pseudonyms`: the buyer's at this shop, empty once erased."""

    id: int
    shop_id: int
    locale: str | None
    zone: str | None
    facts: OrderFacts
    pseudonyms: frozenset[bytes]
    address_rule: str | None  # why the address is never written to
    registered: bool
    opted_out: bool
    restricted: bool = False


def wake(session: Session, now: datetime) -> None:
    """Have orders decided again whose waiting time is over. Safe to repeat."""
    session.execute(
        order_states.update(orders, [OrderState.WAITING], OrderState.RECEIVED)
        .where(orders.c.decide_at <= now)
        .values(decide_at=None)
    )


def lock_received(session: Session, most: int) -> list[CheckedOrder]:
    """Lock received orders, oldest first, and look all their buyers up in the registry at once.

    They stay locked until the transaction ends (PostgreSQL; SQLite has one writer), so two workers
    never get the same order. Of the comparison only the status is kept.
    """
    table = orders.c
    rows = session.execute(
        select(
            *(
                table[name]
                for name in ("id", "shop_id", "email", "buyer_pseudonym", "locale", "zone")
            ),
            shops.c.domain,
            *FACTS,
        )
        .join(shops, shops.c.id == table.shop_id)
        .where(table.state == OrderState.RECEIVED)
        .order_by(table.id)
        .limit(most)
        .with_for_update(of=orders, skip_locked=True)
    ).all()
    queries = [check.RegistryQuery(row.shop_id, row.email) for row in rows if row.email]
    statuses = iter(check.statuses(session, queries))
    unknown = check.RegistryStatus(registered=False, opted_out=False)
    relays = config.current().marketplace_relays
    pseudonyms_of = _pseudonyms(rows)
    restricted_ids = _restricted_ids(session, rows, pseudonyms_of)
    checked = []
    for row in rows:
        status = next(statuses) if row.email else unknown
        checked.append(
            CheckedOrder(
                id=row.id,
                shop_id=row.shop_id,
                locale=row.locale,
                zone=row.zone,
                facts=facts_of(row._asdict()),
                pseudonyms=pseudonyms_of[row.id],
                address_rule=(
                    address_rules.why_not_writable(row.email, row.domain, relays)
                    if row.email
                    else None
                ),
                registered=status.registered,
                opted_out=status.opted_out,
                restricted=status.restricted or row.id in restricted_ids,
            )
        )
    return checked


def facts_of(row: Mapping[str, object]) -> OrderFacts:
    """Read the facts out of a row that was selected with FACTS, by the columns' names."""
    known: dict[str, Any] = {column.name: row[column.name] for column in FACTS}
    for name in ("platform_status", "dispute", "returns"):
        known[name] = PlatformStatus(known[name]) if known[name] else None
    known["delivery"] = ParcelState(known["delivery"]) if known["delivery"] else None
    return OrderFacts(**known)


def _restricted_ids(
    session: Session,
    rows: Sequence[Row[*tuple[Any, ...]]],
    pseudonyms_of: Mapping[int, frozenset[bytes]],
) -> set[int]:
    """Give the orders that are restricted by another address than theirs; free the others."""
    corrected = [
        row
        for row in rows
        if row.email and row.buyer_pseudonym and row.buyer_pseudonym not in pseudonyms_of[row.id]
    ]
    restricted = check.restricted(session, {row.buyer_pseudonym for row in corrected})
    restricted_ids = {
        row.id for row in corrected if (row.buyer_pseudonym, row.shop_id) in restricted
    }
    restricted_buyers.follow_addresses(
        session,
        {
            row.id: pseudonyms.shop_pseudonym(row.shop_id, row.email)
            for row in corrected
            if row.id not in restricted_ids
        },
    )
    return restricted_ids


def mark_decided(session: Session, order_ids: Collection[int]) -> None:
    """Move received orders to settled, the state of an order that is decided on.

    Orders in other states do not change.
    """
    session.execute(
        order_states.update(orders, [OrderState.RECEIVED], OrderState.SETTLED)
        .where(orders.c.id.in_(order_ids))
        .values(decide_at=None)
    )


def wait(session: Session, decide_at: Mapping[int, datetime | None]) -> None:
    """Have received orders wait for news, or for the moment given with them."""
    moments: defaultdict[datetime | None, list[int]] = defaultdict(list)
    for order_id, at in decide_at.items():
        moments[at].append(order_id)
    for at, order_ids in moments.items():
        session.execute(
            order_states.update(orders, [OrderState.RECEIVED], OrderState.WAITING)
            .where(orders.c.id.in_(order_ids))
            .values(decide_at=at)
        )


def erase_buyers(session: Session, order_ids: Collection[int], *, accepts_buyer: bool) -> None:
    """Erase the buyers of orders without invitation, pseudonym included. Safe to repeat."""
    buyer.erase(session, order_ids, accepts_buyer=accepts_buyer)
    session.execute(update(orders).where(orders.c.id.in_(order_ids)).values(buyer_pseudonym=None))


def expect_address(session: Session, order_ids: Collection[int]) -> None:
    """Accept a corrected address of the same second: the one that is stored is never written to.

    Usually news counts only when it is newer, so the stored time goes back by a millisecond.
    """
    a_millisecond_ago = type_coerce(orders.c.contact_at, BigInteger) - 1
    session.execute(
        update(orders).where(orders.c.id.in_(order_ids)).values(contact_at=a_millisecond_ago)
    )


def _pseudonyms(rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[int, frozenset[bytes]]:
    """Give the pseudonyms of the buyers at their shops, by order; none of a bad address."""
    maker = pseudonyms.PseudonymMaker()
    found: dict[int, frozenset[bytes]] = {}
    for row in rows:
        try:
            of_buyer = maker.of_shop(row.shop_id, normalise(row.email)) if row.email else None
        except NotAnAddress:
            of_buyer = None
        found[row.id] = of_buyer or frozenset()
    return found
