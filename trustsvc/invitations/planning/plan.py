"""Decide on received orders, and plan the invitations of eligible buyers."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.crypto import signed_links
from trustsvc.invitations import redeem
from trustsvc.invitations.models import INVITATION, invitations
from trustsvc.invitations.planning import (
    eligibility,
    frequency_cap,
    reschedule,
    schedule,
    volume_guard,
)
from trustsvc.invitations.planning.reschedule import NewDate, PlannedInvitation
from trustsvc.invitations.state import OPEN, invitation_states
from trustsvc.mail.outbox import pending
from trustsvc.orders import decision_log, undecided
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.platform_status import ENDED
from trustsvc.orders.undecided import CheckedOrder
from trustsvc.registry import opt_out
from trustsvc.shops import directory
from trustsvc.storage import db
from trustsvc.storage.bulk_insert import BulkInsert
from trustsvc.work_queue import job_queue

BATCH_SIZE = 500
_INVITE = BulkInsert(
    invitations,
    (
        *("shop_id", "order_id", "link", "state", "basis", "language", "zone"),
        *("experienced_at", "unanswered", "created_at", "expires_at"),
    ),
    returning=("id", "order_id"),
)
_PLANNER_LOCK = 0x7472757374  # an arbitrary number, the same in each process


@dataclass(slots=True)
class _Batch:
    """Decisions of a batch, written in sets at its end."""

    now: datetime
    shops: dict[int, directory.Shop]
    contacts: frequency_cap.Contacts
    planned: dict[int, PlannedInvitation]
    entries: list[decision_log.DecisionLogEntry] = field(default_factory=list)
    invite: list[tuple[CheckedOrder, datetime]] = field(default_factory=list)
    move: list[tuple[CheckedOrder, datetime]] = field(default_factory=list)
    wait: dict[int, datetime | None] = field(default_factory=dict)
    suspend: dict[str, list[PlannedInvitation]] = field(default_factory=lambda: defaultdict(list))
    # By reason, and whether the buyer holds the invitation already.
    refuse: dict[tuple[str, bool], list[int]] = field(default_factory=lambda: defaultdict(list))
    decided: list[int] = field(default_factory=list)

    def log(self, order: CheckedOrder, step: DecisionStep, rule: str, outcome: Outcome) -> None:
        self.entries.append(decision_log.DecisionLogEntry(order.id, step, rule, outcome, self.now))


def plan_invitations(session: Session, now: datetime, most: int = BATCH_SIZE) -> int:
    """Decide on up to `most` received orders; gives how many there were.

    Only one planner runs at a time, so that two orders of one buyer in two batches are not both
    invited. Decisions and their decision log are written in this transaction: a second run finds
    nothing to do, and after a crash the next run finds every order of the batch again. The newest
    news of a planned order moves, suspends, withdraws or brings back its invitation. The contact of
    a buyer who will not be invited is erased here.
    """
    if not db.is_sqlite():
        session.execute(select(func.pg_advisory_xact_lock(_PLANNER_LOCK)))
    undecided.wake(session, now)
    received = undecided.lock_received(session, most)
    if not received:
        return 0
    shops = directory.by_ids(session, {order.shop_id for order in received})
    batch = _Batch(
        now,
        shops,
        frequency_cap.read(session, received, shops, now),
        reschedule.planned(session, [order.id for order in received]),
    )
    # First those with an invitation: one that is withdrawn here keeps no other from being asked.
    for order in sorted(received, key=lambda one: one.id not in batch.planned):
        _decide(batch, order)
    _write(session, batch)
    opted_out = [order for order in received if order.opted_out]
    if opted_out:
        opt_out.mark_buyers(session, {one for order in opted_out for one in order.pseudonyms})
    return len(received)


def _decide(batch: _Batch, order: CheckedOrder) -> None:
    planned = batch.planned.get(order.id)
    is_sent = planned is not None and not planned.is_unsent
    decision = _decision(batch, order, planned, is_sent=is_sent)
    batch.log(order, DecisionStep.MAY_ASK, decision.rule, decision.outcome)
    if decision.outcome is not Outcome.ASK and not is_sent:
        batch.contacts.skip(order)
    if decision.outcome is Outcome.WAIT:
        batch.wait[order.id] = decision.decide_at
        if planned and decision.rule != eligibility.RESTRICTED:
            batch.suspend[decision.rule].append(planned)
    elif decision.outcome is Outcome.REFUSE:
        batch.decided.append(order.id)
        if not is_sent or decision.rule in eligibility.ENDS_SENT:
            batch.refuse[decision.rule, is_sent].append(order.id)
    else:
        batch.decided.append(order.id)
        due = _due(batch, order)
        if not is_sent:
            batch.contacts.plan(order, due)
        if planned:
            batch.move.append((order, due))
        else:
            batch.invite.append((order, due))
            batch.log(
                order, DecisionStep.PLAN, _rule(batch.shops[order.shop_id], order), Outcome.PLANNED
            )


def _decision(
    batch: _Batch, order: CheckedOrder, planned: PlannedInvitation | None, *, is_sent: bool
) -> eligibility.Decision:
    if not order.pseudonyms and not order.restricted and order.facts.whole_status not in ENDED:
        return eligibility.Decision(Outcome.REFUSE, eligibility.NO_CONTACT)
    registered = Outcome.REGISTERED if order.registered else Outcome.NOT_REGISTERED
    batch.log(order, DecisionStep.CHECK, "registry", registered)
    buyer = eligibility.BuyerStatus(
        order.registered,
        order.opted_out,
        # An invitation that was sent is not taken back because of a later one.
        recently_invited=not is_sent and batch.contacts.has_recent(order, batch.now),
        planned_until=None if is_sent else batch.contacts.decide_at(order, batch.now),
        restricted=order.restricted,
        address_rule=order.address_rule,
        invited_at=planned.created_at if planned else None,
    )
    return eligibility.may_ask(batch.shops[order.shop_id], order.facts, buyer, batch.now)


def _due(batch: _Batch, order: CheckedOrder) -> datetime:
    shop = batch.shops[order.shop_id]
    return schedule.due_at(shop, order.facts, _zone(batch, order), batch.now)


def _zone(batch: _Batch, order: CheckedOrder) -> str:
    return order.zone or schedule.buyer_zone(order.locale, batch.shops[order.shop_id].zone)


def _language(batch: _Batch, order: CheckedOrder) -> str:
    return i18n.negotiate_language(order.locale, batch.shops[order.shop_id].language)


def _rule(shop: directory.Shop, order: CheckedOrder) -> str:
    event, _ = schedule.start_event(shop, order.facts)
    return f"{shop.delay}_{shop.delay_unit}_after_{event}"


def _write(session: Session, batch: _Batch) -> None:
    _invite(session, batch)
    volume_guard.pause_sudden_volume(
        session, {order.shop_id for order, _ in batch.invite}, batch.now
    )
    for reason, suspended in batch.suspend.items():
        reschedule.suspend(session, suspended, reason)
    for (reason, is_sent), order_ids in batch.refuse.items():
        # Of an invitation that was sent nothing more leaves, so the buyer is not stored again.
        accepts_buyer = not is_sent and eligibility.may_return(reason)
        redeem.withdraw(session, order_ids, reason, batch.now, accepts_buyer=accepts_buyer)
        without_invitation = [one for one in order_ids if one not in batch.planned]
        undecided.erase_buyers(session, without_invitation, accepts_buyer=accepts_buyer)
        if reason.startswith("address_"):
            undecided.expect_address(session, order_ids)
    _move(session, batch)
    undecided.wait(session, batch.wait)
    undecided.mark_decided(session, batch.decided)
    decision_log.write(session, batch.entries)
    if any(due <= batch.now for _, due in [*batch.invite, *batch.move]):
        job_queue.enqueue(session, "send_messages")


def _move(session: Session, batch: _Batch) -> None:
    """Bring invitations back and to their newest date."""
    if not batch.move:
        return
    reschedule.resume(
        session, {order.id: batch.planned[order.id] for order, _ in batch.move}, batch.now
    )
    dates = {
        order.id: NewDate(
            due,
            schedule.experienced_at(order.facts),
            _language(batch, order),
            _zone(batch, order),
        )
        for order, due in batch.move
    }
    moved = set(reschedule.reschedule(session, dates))
    for order, _ in batch.move:
        if order.id in moved:
            batch.log(
                order, DecisionStep.PLAN, _rule(batch.shops[order.shop_id], order), Outcome.MOVED
            )


def _invite(session: Session, batch: _Batch) -> None:
    if not batch.invite:
        return
    rows = [_invitation(batch, order, due) for order, due in batch.invite]
    invitation_ids = {row["order_id"]: row["id"] for row in _INVITE.execute(session, rows)}
    pending.add(
        session,
        [
            pending.NewMessage(INVITATION, invitation_ids[order.id], order.shop_id, due)
            for order, due in batch.invite
        ],
    )


def _invitation(batch: _Batch, order: CheckedOrder, due: datetime) -> tuple[object, ...]:
    """Give the values of an invitation, in the order of _INVITE."""
    shop = batch.shops[order.shop_id]
    return (
        shop.id,
        order.id,
        signed_links.new_id(),
        invitation_states.begin(OPEN),
        f"{shop.may_ask} {shop.wording_at:%Y-%m-%d}",
        _language(batch, order),
        _zone(batch, order),
        schedule.experienced_at(order.facts),
        batch.contacts.unanswered(order) + 1,
        batch.now,
        due + eligibility.REVIEW_LINK_LIFETIME,
    )
