"""Write each webhook delivery of an order to the decision log."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.orders import decision_log
from trustsvc.orders.aspects import StoredOrder
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.models import orders
from trustsvc.orders.received import Ignored
from trustsvc.orders.state import OrderState
from trustsvc.orders.stored_orders import OrderKey


def log(
    session: Session,
    new: dict[OrderKey, StoredOrder],
    changes: dict[OrderKey, list[list[str]]],
    ids: dict[OrderKey, int],
    now: datetime,
) -> None:
    """Log each webhook delivery of new orders, and what it changed in known ones."""
    entries: list[decision_log.DecisionLogEntry] = []
    for key, row in new.items():
        is_received = row.state is OrderState.RECEIVED
        rule = "new" if is_received else "over" if row.is_over else "no_buyer"
        outcome = Outcome.RECEIVED if is_received else Outcome.IGNORED
        entries.append(
            decision_log.DecisionLogEntry(ids[key], DecisionStep.ACCEPT, rule, outcome, now)
        )
    for key, deliveries in changes.items():
        for changed in deliveries:
            entries += [
                decision_log.DecisionLogEntry(
                    ids[key], DecisionStep.ACCEPT, change, Outcome.RECEIVED, now
                )
                for change in changed or ["unchanged"]
                if key in ids
            ]
    decision_log.write(session, entries)


def log_repeated(session: Session, keys: Collection[OrderKey], now: datetime) -> None:
    """Log the webhook deliveries that came before, at the order they are about."""
    _log_known(session, keys, "repeated", Outcome.DUPLICATE, now)


def log_ignored(session: Session, shop_id: int, ignored: Ignored, now: datetime) -> None:
    """Log a webhook delivery without effect, if its order is known."""
    key = (shop_id, pseudonyms.text_pseudonym(shop_id, ignored.identity))
    _log_known(session, {key}, ignored.reason, Outcome.IGNORED, now)


def _log_known(
    session: Session, keys: Collection[OrderKey], rule: str, outcome: Outcome, now: datetime
) -> None:
    if not keys:
        return
    rows = session.execute(
        select(orders.c.id, orders.c.shop_id, orders.c.identity).where(
            orders.c.shop_id.in_({shop_id for shop_id, _ in keys}),
            orders.c.identity.in_({identity for _, identity in keys}),
        )
    )
    decision_log.write(
        session,
        [
            decision_log.DecisionLogEntry(row.id, DecisionStep.ACCEPT, rule, outcome, now)
            for row in rows
            if (row.shop_id, bytes(row.identity)) in keys
        ],
    )
