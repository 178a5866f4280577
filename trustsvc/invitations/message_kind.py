"""Invitations and reminders as a kind of message: when they may leave, and what their end means."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Insert, Select, bindparam, select
from sqlalchemy.orm import Session

from trustsvc import address_rules, config
from trustsvc.invitations import delivery_feedback, redeem, subjects
from trustsvc.invitations.compose import StoredInvitation
from trustsvc.invitations.models import (
    INVITATION,
    MESSAGE_KINDS,
    REMINDER,
    invitations,
    message_of_invitation,
)
from trustsvc.invitations.planning import eligibility, schedule, volume_guard
from trustsvc.invitations.state import OPEN
from trustsvc.invitations.subjects import Subject
from trustsvc.mail.outbox import retry_policy
from trustsvc.mail.outbox.kinds import (
    Defer,
    Drop,
    LeasedMessage,
    MessageDraft,
    OutboxEvent,
    Priority,
    ReportedMessage,
)
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import DROPPED, REFUSED
from trustsvc.orders import buyer, decision_log
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.models import orders
from trustsvc.orders.state import OrderState
from trustsvc.registry import check

LOGGED_AT_ONCE = 32  # a statement for each number of messages is kept
# A message whose order is on hold since it was planned, or since it was tried.
WHILE_IT_WAITS = {INVITATION: timedelta(hours=1), REMINDER: timedelta(days=1)}
UNDECIDED = timedelta(seconds=30)  # until check_orders has decided on news of the order


@dataclass(frozen=True, slots=True)
class InvitationMessages:
    names: tuple[str, ...] = MESSAGE_KINDS
    priority: Priority = Priority.NORMAL
    obeys_send_suspension: bool = True
    resend_after_unknown: bool = False  # twice is worse than never

    def lockable(self, due: Select[Any]) -> Select[Any]:
        """Lock orders before invitations before messages, as everywhere; leave paused shops out."""
        return (
            due.join(invitations, message_of_invitation)
            .join(orders, orders.c.id == invitations.c.order_id)
            .where(invitations.c.shop_id.not_in(volume_guard.paused_shop_ids()))
            .with_for_update(of=[orders, invitations, messages], skip_locked=True)
        )

    def prepare(
        self,
        session: Session,
        leased: Sequence[LeasedMessage],
        now: datetime,
        before: Collection[MessageDraft] = (),
    ) -> Mapping[int, Drop | Defer | MessageDraft]:
        read_before = [one.about for one in before if isinstance(one, StoredInvitation)]
        about = subjects.read(
            session, {one.subject_id for one in leased}, {one.id: one for one in read_before}
        )
        known = [one for one in about.values() if one.email]
        answers = check.statuses(session, [check.RegistryQuery(x.shop.id, x.email) for x in known])
        context = _Context(
            now,
            dict(zip([x.id for x in known], answers, strict=True)),
            config.current().marketplace_relays,
        )
        return {
            one.id: context.decide(one, about[one.subject_id])
            if one.subject_id in about
            else Drop("no_contact")
            for one in leased
        }

    def settled(self, session: Session, events: Sequence[OutboxEvent], now: datetime) -> None:
        """Withdraw what was dropped or never arrived; forget an address that was refused.

        A message that reached its retry limit was refused by no mailbox: its invitation stays open,
        so that staff can retry it. A restricted buyer is kept, to be invited once that is lifted.
        """
        ends = [event for event in events if event.state in {DROPPED, REFUSED}]
        order_ids = _order_ids(session, ends)
        dropped: dict[str, list[int]] = defaultdict(list)
        for event in ends:
            if event.state is DROPPED and event.reason != eligibility.RESTRICTED:
                dropped[event.reason].append(order_ids[event.message.subject_id])
        for reason, some in dropped.items():
            redeem.withdraw(
                session, some, reason, now, accepts_buyer=eligibility.may_return(reason)
            )
        refused = [
            event.message
            for event in ends
            if event.state is REFUSED and event.reason != retry_policy.LIMIT_REACHED
        ]
        never = [order_ids[x.subject_id] for x in refused if x.kind == INVITATION]
        if refused:
            redeem.withdraw(session, never, "refused", now)
            buyer.erase(session, [order_ids[x.subject_id] for x in refused])

    def log(self, session: Session, events: Sequence[OutboxEvent], now: datetime) -> None:
        alike: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
        for one in events:
            # Of an invitation and its reminder each has its line.
            alike[one.message.kind, one.step, one.reason, one.outcome].append(
                one.message.subject_id
            )
        for (_, step, rule, outcome), ids in alike.items():
            for start in range(0, len(ids), LOGGED_AT_ONCE):
                some = ids[start : start + LOGGED_AT_ONCE]
                entry: dict[str, object] = {f"id{at}": one for at, one in enumerate(some)}
                entry |= {"step": DecisionStep(step), "rule": rule, "outcome": Outcome(outcome)}
                decision_log.write_for(session, _logging(len(some)), [entry | {"at": now}])

    def still_open(self) -> Select[int]:
        return select(invitations.c.id).where(invitations.c.state == OPEN)

    def reported(
        self, session: Session, message: ReportedMessage, report_kind: str, code: str, now: datetime
    ) -> str:
        return delivery_feedback.apply(session, message, report_kind, code, now)


@dataclass(frozen=True, slots=True)
class _Context:
    """What was read for one batch."""

    now: datetime
    answers: Mapping[int, check.RegistryStatus]
    relays: Collection[str]

    def decide(self, message: LeasedMessage, one: Subject) -> Drop | Defer | MessageDraft:
        if reason := self._reason(one):
            return Drop(reason)
        if one.order_state == OrderState.RECEIVED:
            return Defer(self.now + UNDECIDED)
        if one.order_state == OrderState.WAITING:
            return Defer(self.now + WHILE_IT_WAITS[message.kind])
        on_weekdays = one.shop.delay_unit == "weekdays"
        at = schedule.daytime(self.now, one.zone, on_weekdays=on_weekdays)
        if at > self.now:
            return Defer(at)
        return StoredInvitation(message.kind, one)

    def _reason(self, one: Subject) -> str | None:
        if one.state != OPEN:
            return f"invitation_{one.state}"
        answer = self.answers.get(one.id)
        if answer is None:
            return "no_contact"
        if one.expires_at <= self.now:
            return "expired"
        status = eligibility.BuyerStatus(
            answer.registered,
            answer.opted_out,
            recently_invited=False,
            restricted=answer.restricted,
            address_rule=address_rules.why_not_writable(one.email, one.shop.domain, self.relays),
        )
        basis = one.basis.partition(" ")[0]
        return eligibility.still_eligible(one.shop, one.facts, status, basis)


@cache
def _logging(number: int) -> Insert:
    """Build the INSERT for so many invitations once: that takes longer than to execute it."""
    ids = [bindparam(f"id{at}", type_=invitations.c.id.type) for at in range(number)]
    return decision_log.insert_for(select(invitations.c.order_id).where(invitations.c.id.in_(ids)))


def _order_ids(session: Session, events: Sequence[OutboxEvent]) -> dict[int, int]:
    if not events:
        return {}
    rows = session.execute(
        select(invitations.c.id, invitations.c.order_id).where(
            invitations.c.id.in_({event.message.subject_id for event in events})
        )
    )
    return {row.id: row.order_id for row in rows}


INVITATIONS = InvitationMessages()
