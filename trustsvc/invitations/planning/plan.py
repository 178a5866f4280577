"""Decide on received orders, and plan the invitations of eligible buyers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.crypto import signed_links
from trustsvc.invitations import redeem
from trustsvc.invitations.models import INVITATION, invitations
from trustsvc.invitations.planning import eligibility, frequency_cap, schedule, volume_guard
from trustsvc.invitations.planning.frequency_cap import BuyerKey
from trustsvc.invitations.planning.reschedule import NewDate, reschedule
from trustsvc.invitations.state import OPEN
from trustsvc.mail.outbox import pending
from trustsvc.orders import check, decision_log
from trustsvc.orders.check import CheckedOrder
from trustsvc.orders.state import OrderState
from trustsvc.shops import directory
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

BATCH_SIZE = 500
_PLANNER_LOCK = 0x7472757374  # an arbitrary number, the same in each process


@dataclass(slots=True)
class _Batch:
    """Decisions of a batch, written in sets at its end."""

    now: datetime
    shops: dict[int, directory.Shop]
    recently_invited: set[BuyerKey]
    entries: list[decision_log.DecisionLogEntry] = field(default_factory=list)
    invite: list[tuple[CheckedOrder, datetime]] = field(default_factory=list)
    move: list[tuple[CheckedOrder, datetime]] = field(default_factory=list)
    withdraw: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    waiting: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def log(self, order: CheckedOrder, step: str, rule: str, outcome: str) -> None:
        self.entries.append(decision_log.DecisionLogEntry(order.id, step, rule, outcome, self.now))


def plan_invitations(session: Session, now: datetime, most: int = BATCH_SIZE) -> int:
    """Decide on up to `most` received orders; gives how many there were.

    One planner at a time, so that two orders of one buyer in two batches are not both invited. Each
    order is settled with its decision log in this transaction, so a second run finds nothing to do,
    and after a crash everything. An update of a planned order moves or withdraws its invitation.
    The contact of a buyer who will not be invited is erased here.
    """
    if not db.is_sqlite():
        session.execute(select(func.pg_advisory_xact_lock(_PLANNER_LOCK)))
    received = check.lock_received(session, most)
    if not received:
        return 0
    shops = directory.by_ids(session, {order.shop_id for order in received})
    batch = _Batch(now, shops, frequency_cap.recently_invited(session, received, shops, now))
    planned = _planned_ids(session, received)
    for order in received:
        if order.id in planned:
            _replan(batch, order)
        else:
            _decide(batch, order)
    _write(session, batch)
    return len(received)


def _decide(batch: _Batch, order: CheckedOrder) -> None:
    shop = batch.shops[order.shop_id]
    if not order.pseudonyms and not (order.cancelled_at or order.refunded_at):
        batch.log(order, "check", "no_contact", "refuse")
        batch.refused.append(order.id)
        return
    pseudonyms = {(order.shop_id, pseudonym) for pseudonym in order.pseudonyms}
    recently_invited = not pseudonyms.isdisjoint(batch.recently_invited)
    buyer = eligibility.BuyerStatus(
        order.registered, order.opted_out, recently_invited, order.restricted
    )
    batch.log(order, "check", "registry", "registered" if order.registered else "not_registered")
    decision = eligibility.may_ask(shop, order, buyer, batch.now)
    batch.log(order, "may_ask", decision.rule, decision.outcome)
    if decision.outcome == "wait":
        batch.waiting.append(order.id)
    elif decision.outcome == "refuse":
        batch.refused.append(order.id)
    else:
        batch.recently_invited |= pseudonyms
        batch.settled.append(order.id)
        batch.invite.append((order, _due(batch, order)))
        batch.log(order, "plan", _rule(shop, order), "planned")


def _replan(batch: _Batch, order: CheckedOrder) -> None:
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


def _planned_ids(session: Session, received: Sequence[CheckedOrder]) -> set[int]:
    ids = [order.id for order in received]
    return set(
        session.scalars(select(invitations.c.order_id).where(invitations.c.order_id.in_(ids)))
    )


def _write(session: Session, batch: _Batch) -> None:
    _invite(session, batch)
    volume_guard.pause_sudden_volume(
        session, {order.shop_id for order, _ in batch.invite}, batch.now
    )
    new_dates = {
        order.id: NewDate(due, schedule.experienced_at(order)) for order, due in batch.move
    }
    moved_ids = set(reschedule(session, new_dates))
    for order, _ in batch.move:
        if order.id in moved_ids:
            batch.log(order, "plan", _rule(batch.shops[order.shop_id], order), "moved")
    for reason, order_ids in batch.withdraw.items():
        redeem.withdraw(session, order_ids, reason, batch.now)
    check.settle(session, batch.waiting, OrderState.WAITING)
    check.settle(session, [*batch.settled, *batch.refused], OrderState.SETTLED)
    check.erase_buyers(session, batch.refused)
    decision_log.write(session, batch.entries)
    if any(due <= batch.now for _, due in [*batch.invite, *batch.move]):
        job_queue.enqueue(session, "send_messages")


def _invite(session: Session, batch: _Batch) -> None:
    if not batch.invite:
        return
    rows = [_invitation(batch, order, due) for order, due in batch.invite]
    created = session.execute(
        invitations.insert().returning(
            invitations.c.id, invitations.c.order_id, invitations.c.shop_id
        ),
        rows,
    )
    due_of = {order.id: due for order, due in batch.invite}
    pending.add(
        session,
        [
            pending.NewMessage(INVITATION, row.id, row.shop_id, due_of[row.order_id])
            for row in created
        ],
    )


def _invitation(batch: _Batch, order: CheckedOrder, due: datetime) -> dict[str, object]:
    shop = batch.shops[order.shop_id]
    return {
        "shop_id": shop.id,
        "order_id": order.id,
        "link": signed_links.new_id(),
        "state": OPEN,
        "basis": f"{shop.may_ask} {shop.wording_at:%Y-%m-%d}",
        "language": i18n.negotiate_language(order.locale, shop.language),
        "zone": schedule.buyer_zone(order.locale, shop.zone),
        "experienced_at": schedule.experienced_at(order),
        "created_at": batch.now,
        "expires_at": due + eligibility.LINK_LIFETIME,
    }
