"""Give up on letters that could not be handed over for three days."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import messages
from trustsvc.orders import decision_log

RULE = "gave_up"
LONGEST_S = 72 * 3600


def give_up(session: Session, rows: Sequence[Any], now: datetime) -> None:
    """End letters that are leased in this transaction, with a line in the ledger.

    No mailbox refused them, so nothing is forgotten here: the invitation stays open, the order and
    its buyer go by the rules of retention, and staff can have them tried again (again.py).
    """
    if not rows:
        return
    session.execute(
        update(messages)
        .where(messages.c.id.in_([row.id for row in rows]), messages.c.state == "leased")
        .values(state="refused", problem=RULE, lease=None, leased_until=None)
    )
    decision_log.write(session, [line(row, now) for row in rows])


def line(row: Any, now: datetime) -> decision_log.DecisionLogEntry:
    return decision_log.DecisionLogEntry(row.order_id, f"send_{row.kind}", RULE, "refused", now)
