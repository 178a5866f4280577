"""The newest orders of a shop with their ledgers: what was decided, and why."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.orders.decision_log import DecisionLogEntry
from trustsvc.orders.models import decisions, orders


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """An order as the desk sees it: no name and no address; the reference while it is known."""

    id: int
    reference: str | None = field(repr=False)
    state: str
    received_at: datetime
    lines: list[DecisionLogEntry]


def recent_orders(session: Session, shop_id: int, most: int = 100) -> list[OrderSummary]:
    """Read the shop's newest orders, newest first, each with its lines, oldest first."""
    table = orders.c
    rows = session.execute(
        select(table.id, table.reference, table.state, table.received_at)
        .where(table.shop_id == shop_id)
        .order_by(table.id.desc())
        .limit(most)
    ).all()
    lines: defaultdict[int, list[DecisionLogEntry]] = defaultdict(list)
    found = session.execute(
        select(
            decisions.c.order_id,
            decisions.c.step,
            decisions.c.rule,
            decisions.c.outcome,
            decisions.c.at,
        )
        .where(decisions.c.order_id.in_([row.id for row in rows]))
        .order_by(decisions.c.id)
    )
    for row in found:
        lines[row.order_id].append(DecisionLogEntry(*row))
    return [
        OrderSummary(row.id, row.reference, row.state, row.received_at, lines[row.id])
        for row in rows
    ]
