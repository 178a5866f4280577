"""Decision log, the audit trail of decisions: why an order led to an invitation or not.

Entry by entry; no personal data.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, Row, Select, bindparam, select
from sqlalchemy.orm import Session

from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.models import decisions, orders
from trustsvc.orders.state import OrderState
from trustsvc.storage.bulk_insert import BulkInsert

_APPEND = BulkInsert(decisions, ("order_id", "step", "rule", "outcome", "at"))


@dataclass(frozen=True, slots=True)
class DecisionLogEntry:
    """One decision: which step, by which rule, with which outcome. Codes only, never free text."""

    order_id: int
    step: DecisionStep
    rule: str
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """An order as staff see it: no name, no address, and the reference until it is erased."""

    id: int
    reference: str | None = field(repr=False)
    state: OrderState
    received_at: datetime
    entries: list[DecisionLogEntry]


def write(session: Session, entries: Iterable[DecisionLogEntry]) -> None:
    """Append entries. Entries are never changed."""
    _APPEND.execute(session, [(x.order_id, x.step, x.rule, x.outcome, x.at) for x in entries])


def insert_for(order_ids: Select[tuple[int]]) -> Insert:
    """Give the INSERT of an entry for each order that a query finds; see `write_for`."""
    table = decisions.c
    values = [bindparam(one.name, type_=one.type) for one in (table.step, table.rule)]
    values += [bindparam(one.name, type_=one.type) for one in (table.outcome, table.at)]
    names = ["order_id", *(one.key for one in values)]
    return decisions.insert().from_select(names, order_ids.add_columns(*values))


def write_for(session: Session, insert: Insert, entries: Sequence[Mapping[str, object]]) -> None:
    """Append entries without reading first which orders they are about.

    Each has step, rule, outcome and at, and what the query of `insert_for` names.
    """
    if entries:
        session.connection().execute(insert, entries if len(entries) > 1 else entries[0])


def of_order(session: Session, order_id: int) -> list[DecisionLogEntry]:
    """Read an order's entries, oldest first."""
    rows = session.execute(_entries().where(decisions.c.order_id == order_id))
    return [_entry(row) for row in rows]


def recent_orders(session: Session, shop_id: int, most: int = 100) -> list[OrderSummary]:
    """Read a shop's newest orders, newest first, each with its entries, oldest first."""
    table = orders.c
    rows = session.execute(
        select(table.id, table.reference, table.state, table.received_at)
        .where(table.shop_id == shop_id)
        .order_by(table.id.desc())
        .limit(most)
    ).all()
    entries_of: defaultdict[int, list[DecisionLogEntry]] = defaultdict(list)
    for row in session.execute(
        _entries().where(decisions.c.order_id.in_([row.id for row in rows]))
    ):
        entries_of[row.order_id].append(_entry(row))
    return [
        OrderSummary(
            id=row.id,
            reference=row.reference,
            state=OrderState(row.state),
            received_at=row.received_at,
            entries=entries_of[row.id],
        )
        for row in rows
    ]


def _entries() -> Select[Any]:
    table = decisions.c
    return select(table.order_id, table.step, table.rule, table.outcome, table.at).order_by(
        table.id
    )


def _entry(row: Row[*tuple[Any, ...]]) -> DecisionLogEntry:
    return DecisionLogEntry(
        order_id=row.order_id,
        step=DecisionStep(row.step),
        rule=row.rule,
        outcome=Outcome(row.outcome),
        at=row.at,
    )
