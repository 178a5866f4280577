"""The newest orders of a shop with their ledgers: what was decided, and why."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.orders.decision_log import Line
from trustsvc.orders.models import ledger, orders


@dataclass(frozen=True, slots=True)
class Told:
    """An order as the desk sees it: no name and no address; the reference while it is known."""

    id: int
    reference: str | None = field(repr=False)
    state: str
    received_at: datetime
    lines: list[Line]


def recent(session: Session, shop_id: int, most: int = 100) -> list[Told]:
    """Read the shop's newest orders, newest first, each with its lines, oldest first."""
    table = orders.c
    rows = session.execute(
        select(table.id, table.reference, table.state, table.received_at)
        .where(table.shop_id == shop_id)
        .order_by(table.id.desc())
        .limit(most)
    ).all()
    lines: defaultdict[int, list[Line]] = defaultdict(list)
    found = session.execute(
        select(ledger.c.order_id, ledger.c.step, ledger.c.rule, ledger.c.outcome, ledger.c.at)
        .where(ledger.c.order_id.in_([row.id for row in rows]))
        .order_by(ledger.c.id)
    )
    for row in found:
        lines[row.order_id].append(Line(*row))
    return [Told(row.id, row.reference, row.state, row.received_at, lines[row.id]) for row in rows]
