"""Plan the single reminder of an unanswered invitation."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import INVITATION, REMINDER, invitations
from trustsvc.invitations.planning import eligibility, schedule
from trustsvc.invitations.state import OPEN
from trustsvc.mail.outbox import pending
from trustsvc.mail.outbox.models import messages, to_follow_up
from trustsvc.orders import decision_log
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.models import orders
from trustsvc.shops.models import shops
from trustsvc.storage.batches import batches
from trustsvc.work_queue import job_queue

BATCH_SIZE = 500


def plan_due_reminders(session: Session, now: datetime, most: int = BATCH_SIZE) -> int:
    """Decide on reminders that are due; gives how many invitations were decided on.

    Each open invitation gets one row of kind reminder, due or dropped; what was answered, withdrawn
    or expired meanwhile gets none. Either way it is decided on once. A review or an opt-out in
    between drops a due reminder (redeem.py), and the lease checks again.
    """
    rows = _lock(session, _due(session, now, most))
    if rows:
        _add(session, [row for row in rows if row.state == OPEN and row.expires_at > now], now)
        decided = messages.c.id.in_([row.message_id for row in rows])
        session.execute(update(messages).where(decided).values(followed_up=True))
    return len(rows)


def _due(session: Session, now: datetime, most: int) -> Sequence[int]:
    """Find sent invitations not decided on yet whose shop's `reminder_days` have passed.

    By groups of shops, so that the index gives what is due, whatever else waits.
    """
    due: list[int] = []
    for days, shop_ids in _shops_by_days(session).items():
        for some in batches(shop_ids):
            if len(due) < most:
                due += session.scalars(
                    select(messages.c.id)
                    .where(
                        messages.c.kind == INVITATION,
                        to_follow_up(),
                        messages.c.shop_id.in_(some),
                        messages.c.sent_at <= now - timedelta(days=days),
                    )
                    .order_by(messages.c.shop_id, messages.c.sent_at)
                    .limit(most - len(due))
                )
    return due


def _shops_by_days(session: Session) -> dict[int, list[int]]:
    """Give the shops that remind, by the days after which they do."""
    rows = session.execute(
        select(shops.c.id, shops.c.reminder_days)
        .where(shops.c.reminder_days > 0, shops.c.closed_at.is_(None))
        .order_by(shops.c.id)
    )
    shops_of: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        shops_of[row.reminder_days].append(row.id)
    return shops_of


def _lock(session: Session, message_ids: Sequence[int]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Read and lock what is decided on: orders before invitations before messages, as everywhere.

    What somebody else has locked is left for the next run: of two jobs at once one decides, and
    none waits for whoever changes the order.
    """
    if not message_ids:
        return []
    return session.execute(
        select(
            messages.c.id.label("message_id"),
            invitations.c.id,
            invitations.c.order_id,
            invitations.c.shop_id,
            invitations.c.language,
            invitations.c.zone,
            invitations.c.state,
            invitations.c.expires_at,
            messages.c.sent_at,
            shops.c.reminder_days,
            shops.c.language.label("shop_language"),
        )
        .join_from(messages, invitations, invitations.c.id == messages.c.subject_id)
        .join(orders, orders.c.id == invitations.c.order_id)
        .join(shops, shops.c.id == invitations.c.shop_id)
        .where(messages.c.id.in_(message_ids), to_follow_up())
        .with_for_update(of=[orders, invitations, messages], skip_locked=True)
    ).all()


def _add(session: Session, rows: Sequence[Row[*tuple[Any, ...]]], now: datetime) -> None:
    """Add a reminder for each invitation, due or dropped, and log why."""
    planned, entries = [], []
    for row in rows:
        decision = eligibility.decide_reminder(row.reminder_days, row.shop_language, row.language)
        is_planned = decision.outcome is Outcome.ASK
        planned.append(
            pending.NewMessage(
                REMINDER,
                row.id,
                row.shop_id,
                due_at=schedule.reminder_due_at(row.sent_at, row.reminder_days, row.zone, now),
                dropped=None if is_planned else decision.rule,
            )
        )
        outcome = Outcome.PLANNED if is_planned else Outcome.DROPPED
        entries.append(
            decision_log.DecisionLogEntry(
                row.order_id, DecisionStep.PLAN_REMINDER, decision.rule, outcome, now
            )
        )
    pending.add(session, planned)
    decision_log.write(session, entries)
    job_queue.enqueue(session, "send_messages")
