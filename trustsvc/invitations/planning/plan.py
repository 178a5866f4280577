"""Decide on the orders that wait, and plan the invitation of those we may ask about."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.crypto import signed_links
from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations, messages
from trustsvc.invitations.planning import eligibility, frequency_cap, schedule, volume_guard
from trustsvc.invitations.planning.frequency_cap import BuyerKey
from trustsvc.invitations.planning.reschedule import NewDate, reschedule
from trustsvc.orders import check, decision_log
from trustsvc.orders.check import CheckedOrder
from trustsvc.orders.state import OrderState
from trustsvc.shops import directory
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

BATCH_SIZE = 500
_ONE_PLANNER = 0x7472757374  # any number, the same in each process


@dataclass(slots=True)
class _Batch:
    """What this batch comes to, written in sets at its end."""

    now: datetime
    shops: dict[int, directory.Shop]
    asked: set[BuyerKey]
    lines: list[decision_log.DecisionLogEntry] = field(default_factory=list)
    invite: list[tuple[CheckedOrder, datetime]] = field(default_factory=list)
    move: list[tuple[CheckedOrder, datetime]] = field(default_factory=list)
    withdraw: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    waiting: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    never: list[int] = field(default_factory=list)

    def line(self, order: CheckedOrder, step: str, rule: str, outcome: str) -> None:
        self.lines.append(decision_log.DecisionLogEntry(order.id, step, rule, outcome, self.now))


def plan_invitations(session: Session, now: datetime, most: int = BATCH_SIZE) -> int:
    """Decide on up to `most` received orders; gives how many there were.

    One planner at a time, so that two orders of one buyer in two batches do not both ask. Each
    order is settled with its ledger lines in this one transaction, so a second run finds nothing to
    do, and after a crash everything. News of an order that was planned moves or withdraws its
    invitation. The contact of a buyer who will not be asked is forgotten here.
    """
    if not db.is_sqlite():
        session.execute(select(func.pg_advisory_xact_lock(_ONE_PLANNER)))
    taken = check.lock_received(session, most)
    if not taken:
        return 0
    shops = directory.by_ids(session, {order.shop_id for order in taken})
    batch = _Batch(now, shops, frequency_cap.recently_invited(session, taken, shops, now))
    planned = _planned(session, taken)
    for order in taken:
        if order.id in planned:
            _take_up_news(batch, order)
        else:
            _decide(batch, order)
    _write(session, batch)
    return len(taken)


def _decide(batch: _Batch, order: CheckedOrder) -> None:
    shop = batch.shops[order.shop_id]
    if not order.pseudonyms and not (order.cancelled_at or order.refunded_at):
        batch.line(order, "check", "no_contact", "refuse")
        batch.never.append(order.id)
        return
    marks = {(order.shop_id, pseudonym) for pseudonym in order.pseudonyms}
    asked = not marks.isdisjoint(batch.asked)
    known = eligibility.BuyerStatus(order.registered, order.opted_out, asked, order.restricted)
    batch.line(order, "check", "registry", "registered" if order.registered else "not_registered")
    decision = eligibility.may_ask(shop, order, known, batch.now)
    batch.line(order, "may_ask", decision.rule, decision.outcome)
    if decision.outcome == "wait":
        batch.waiting.append(order.id)
    elif decision.outcome == "refuse":
        batch.never.append(order.id)
    else:
        batch.asked |= marks
        batch.settled.append(order.id)
        batch.invite.append((order, _due(batch, order)))
        batch.line(order, "plan", _rule(shop, order), "planned")


def _take_up_news(batch: _Batch, order: CheckedOrder) -> None:
    batch.settled.append(order.id)
    if order.cancelled_at or order.refunded_at:
        reason = "cancelled" if order.cancelled_at else "refunded"
        batch.withdraw[reason].append(order.id)
    elif batch.shops[order.shop_id].may_ask == "consent" and order.consent is not True:
        batch.withdraw["no_basis_consent"].append(order.id)
    else:
        batch.move.append((order, _due(batch, order)))


def _due(batch: _Batch, order: CheckedOrder) -> datetime:
    shop = batch.shops[order.shop_id]
    return schedule.due_at(shop, order, schedule.buyer_zone(order.locale, shop.zone), batch.now)


def _rule(shop: directory.Shop, order: CheckedOrder) -> str:
    moment, _ = schedule.start_event(shop, order)
    return f"{shop.delay}_{shop.delay_unit}_after_{moment}"


def _planned(session: Session, taken: Sequence[CheckedOrder]) -> set[int]:
    ids = [order.id for order in taken]
    return set(
        session.scalars(select(invitations.c.order_id).where(invitations.c.order_id.in_(ids)))
    )


def _write(session: Session, batch: _Batch) -> None:
    _invite(session, batch)
    volume_guard.pause_sudden_volume(
        session, {order.shop_id for order, _ in batch.invite}, batch.now
    )
    moved = {order.id: NewDate(due, schedule.experienced_at(order)) for order, due in batch.move}
    still_here = set(reschedule(session, moved))
    for order, _ in batch.move:
        if order.id in still_here:
            batch.line(order, "plan", _rule(batch.shops[order.shop_id], order), "moved")
    for reason, order_ids in batch.withdraw.items():
        redeem.withdraw(session, order_ids, reason, batch.now)
    check.settle(session, batch.waiting, OrderState.WAITING)
    check.settle(session, [*batch.settled, *batch.never], OrderState.SETTLED)
    check.erase_buyers(session, batch.never)
    decision_log.write(session, batch.lines)
    if any(due <= batch.now for _, due in [*batch.invite, *batch.move]):
        job_queue.enqueue(session, "send_invitations")


def _invite(session: Session, batch: _Batch) -> None:
    if not batch.invite:
        return
    rows = [_invitation(batch, order, due) for order, due in batch.invite]
    made = session.execute(
        invitations.insert().returning(invitations.c.id, invitations.c.order_id), rows
    )
    due_of = {order.id: due for order, due in batch.invite}
    session.execute(
        messages.insert(),
        [
            {
                "invitation_id": row.id,
                "kind": "invitation",
                "state": "due",
                "due_at": due_of[row.order_id],
                "tries": 0,
            }
            for row in made
        ],
    )


def _invitation(batch: _Batch, order: CheckedOrder, due: datetime) -> dict[str, object]:
    shop = batch.shops[order.shop_id]
    return {
        "shop_id": shop.id,
        "order_id": order.id,
        "link": signed_links.new_id(),
        "state": "open",
        "basis": f"{shop.may_ask} {shop.wording_at:%Y-%m-%d}",
        "language": i18n.negotiate_language(order.locale, shop.language),
        "zone": schedule.buyer_zone(order.locale, shop.zone),
        "experienced_at": schedule.experienced_at(order),
        "created_at": batch.now,
        "expires_at": due + eligibility.LINK_LIFETIME,
    }
