"""The ledger: why an order was or was not asked about, line by line; no personal data in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from trustsvc.orders import models


@dataclass(frozen=True, slots=True)
class DecisionLogEntry:
    """One decision: which step, by which rule, with which outcome. Codes only, never free text."""

    order_id: int
    step: str
    rule: str
    outcome: str
    at: datetime


def write(session: Session, lines: Iterable[DecisionLogEntry]) -> None:
    """Append lines in one statement; a ledger is never changed."""
    rows = [
        {"order_id": x.order_id, "step": x.step, "rule": x.rule, "outcome": x.outcome, "at": x.at}
        for x in lines
    ]
    if rows:
        session.execute(models.decisions.insert(), rows)


def last_rule(step: str) -> ScalarSelect[str]:
    """Give, as a column of a query over orders, by which rule a step decided last."""
    table = models.decisions.c
    mine = (table.order_id == models.orders.c.id, table.step == step)
    newest = select(table.rule).where(*mine).order_by(table.id.desc()).limit(1)
    return newest.correlate(models.orders).scalar_subquery()


def of_order(session: Session, order_id: int) -> list[DecisionLogEntry]:
    """Read an order's lines, oldest first."""
    table = models.decisions
    rows = session.execute(
        select(table.c.order_id, table.c.step, table.c.rule, table.c.outcome, table.c.at)
        .where(table.c.order_id == order_id)
        .order_by(table.c.id)
    )
    return [DecisionLogEntry(*row) for row in rows]
