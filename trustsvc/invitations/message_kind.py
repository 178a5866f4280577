"""Invitations and reminders as a kind of message: when they may leave, and what their end means."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from trustsvc import address_rules, config
from trustsvc.invitations import delivery_feedback, redeem
from trustsvc.invitations.compose import InvitationDraft
from trustsvc.invitations.models import (
    INVITATION,
    MESSAGE_KINDS,
    REMINDER,
    invitations,
    message_of_invitation,
)
from trustsvc.invitations.planning import eligibility, schedule, volume_guard
from trustsvc.invitations.state import OPEN, InvitationState
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
from trustsvc.orders.facts import OrderFacts
from trustsvc.orders.models import orders
from trustsvc.orders.state import OrderState
from trustsvc.orders.undecided import FACTS, facts_of
from trustsvc.registry import check
from trustsvc.shops import directory

# A message whose order is on hold since it was planned, or since it was tried.
WHILE_IT_WAITS = {INVITATION: timedelta(hours=1), REMINDER: timedelta(days=1)}
UNDECIDED = timedelta(seconds=30)  # until check_orders has decided on news of the order


@dataclass(frozen=True, slots=True)
class _Subject:
    """An invitation with its order, as far as they decide about a message."""

    id: int
    order_id: int
    shop_id: int
    state: InvitationState
    link: bytes
    basis: str
    language: str
    zone: str
    expires_at: datetime
    order_state: OrderState
    facts: OrderFacts


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
        self, session: Session, leased: Sequence[LeasedMessage], now: datetime
    ) -> Mapping[int, Drop | Defer | MessageDraft]:
        subjects = _read(session, leased)
        shops = directory.by_ids(session, {one.shop_id for one in subjects.values()})
        buyers = buyer.read(session, {one.order_id for one in subjects.values()})
        known = [one for one in subjects.values() if one.order_id in buyers]
        answers = check.statuses(
            session, [check.RegistryQuery(x.shop_id, buyers[x.order_id].email) for x in known]
        )
        context = _Context(
            now,
            shops,
            buyers,
            dict(zip([x.id for x in known], answers, strict=True)),
            config.current().marketplace_relays,
        )
        return {
            one.id: context.decide(one, subjects[one.subject_id])
            if one.subject_id in subjects
            else Drop("no_contact")
            for one in leased
        }

    def settled(self, session: Session, events: Sequence[OutboxEvent], now: datetime) -> None:
        """Withdraw what was dropped or never arrived; forget an address that was refused.

        A message that reached its retry limit was refused by no mailbox: its invitation stays open,
        so that staff can retry it. A restricted buyer is kept, to be invited once that is lifted.
        """
        order_ids = _order_ids(session, events)
        dropped: dict[str, list[int]] = defaultdict(list)
        for event in events:
            if event.state is DROPPED and event.reason != eligibility.RESTRICTED:
                dropped[event.reason].append(order_ids[event.message.subject_id])
        for reason, some in dropped.items():
            redeem.withdraw(
                session, some, reason, now, accepts_buyer=eligibility.may_return(reason)
            )
        refused = [
            event.message
            for event in events
            if event.state is REFUSED and event.reason != retry_policy.LIMIT_REACHED
        ]
        never = [order_ids[x.subject_id] for x in refused if x.kind == INVITATION]
        if refused:
            redeem.withdraw(session, never, "refused", now)
            buyer.erase(session, [order_ids[x.subject_id] for x in refused])

    def log(self, session: Session, events: Sequence[OutboxEvent], now: datetime) -> None:
        order_ids = _order_ids(session, events)
        entries = []
        for one in events:
            if order_id := order_ids.get(one.message.subject_id):
                step, outcome = DecisionStep(one.step), Outcome(one.outcome)
                entries.append(
                    decision_log.DecisionLogEntry(order_id, step, one.reason, outcome, now)
                )
        decision_log.write(session, entries)

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
    shops: Mapping[int, directory.Shop]
    buyers: Mapping[int, buyer.Buyer]
    answers: Mapping[int, check.RegistryStatus]
    relays: Collection[str]

    def decide(self, message: LeasedMessage, one: _Subject) -> Drop | Defer | MessageDraft:
        if reason := self._reason(one):
            return Drop(reason)
        if one.order_state == OrderState.RECEIVED:
            return Defer(self.now + UNDECIDED)
        if one.order_state == OrderState.WAITING:
            return Defer(self.now + WHILE_IT_WAITS[message.kind])
        shop = self.shops[one.shop_id]
        at = schedule.daytime(self.now, one.zone, on_weekdays=shop.delay_unit == "weekdays")
        if at > self.now:
            return Defer(at)
        return InvitationDraft(
            kind=message.kind,
            link=one.link,
            basis=one.basis,
            language=one.language,
            zone=one.zone,
            shop=shop,
            buyer=self.buyers[one.order_id],
        )

    def _reason(self, one: _Subject) -> str | None:
        if one.state != OPEN:
            return f"invitation_{one.state}"
        answer = self.answers.get(one.id)
        if answer is None:
            return "no_contact"
        if one.expires_at <= self.now:
            return "expired"
        shop = self.shops[one.shop_id]
        status = eligibility.BuyerStatus(
            answer.registered,
            answer.opted_out,
            recently_invited=False,
            restricted=answer.restricted,
            address_rule=address_rules.why_not_writable(
                self.buyers[one.order_id].email, shop.domain, self.relays
            ),
        )
        basis = one.basis.partition(" ")[0]
        return eligibility.still_eligible(shop, one.facts, status, basis)


def _read(session: Session, leased: Sequence[LeasedMessage]) -> dict[int, _Subject]:
    table = invitations.c
    rows = session.execute(
        select(
            *(table[name] for name in ("id", "order_id", "shop_id", "state", "link", "basis")),
            *(table[name] for name in ("language", "zone", "expires_at")),
            orders.c.state.label("order_state"),
            *FACTS,
        )
        .join_from(invitations, orders, orders.c.id == table.order_id)
        .where(table.id.in_({one.subject_id for one in leased}))
    )
    return {
        row.id: _Subject(
            id=row.id,
            order_id=row.order_id,
            shop_id=row.shop_id,
            state=InvitationState(row.state),
            link=row.link,
            basis=row.basis,
            language=row.language,
            zone=row.zone,
            expires_at=row.expires_at,
            order_state=OrderState(row.order_state),
            facts=facts_of(row._asdict()),
        )
        for row in rows
    }


def _order_ids(session: Session, events: Sequence[OutboxEvent]) -> dict[int, int]:
    rows = session.execute(
        select(invitations.c.id, invitations.c.order_id).where(
            invitations.c.id.in_({event.message.subject_id for event in events})
        )
    )
    return {row.id: row.order_id for row in rows}


INVITATIONS = InvitationMessages()
