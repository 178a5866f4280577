"""Frequency cap: a shop invites a buyer once in its cap period, which grows without an answer.

Who never answers is asked less and less. The period is the shop's after the first invitation, 90
days after two in a row without a review, and 365 days after three. A review counts as a contact,
and begins the count again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations, message_of_invitation
from trustsvc.invitations.state import REDEEMED
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import UNSETTLED
from trustsvc.orders.decision_codes import DecisionStep
from trustsvc.orders.models import decisions, orders
from trustsvc.orders.undecided import CheckedOrder
from trustsvc.shops import directory

GROWN_CAP_DAYS = (0, 90, 365)  # after one, two, three or more invitations without a review
LONGEST = timedelta(days=365)
MARGIN = timedelta(days=1)  # after its due date another invitation has left, or something keeps it

BuyerKey = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Contact:
    """An invitation of a buyer: `unanswered` counts it and those before it without a review.

    `at` is the moment of its message, or of the review; None while it waits for `due_at`.
    """

    order_id: int
    at: datetime | None
    due_at: datetime
    unanswered: int  # 0: a review came


def cap(cap_days: int, unanswered: int) -> timedelta:
    """Give the cap period; none at all where the shop has none."""
    grown = GROWN_CAP_DAYS[min(max(unanswered, 1), len(GROWN_CAP_DAYS)) - 1]
    return timedelta(days=max(cap_days, grown) if cap_days else 0)


class Contacts:
    """Earlier invitations of the buyers of a batch."""

    def __init__(self, shops: Mapping[int, directory.Shop]) -> None:
        self._shops = shops
        self._of_buyer: defaultdict[BuyerKey, list[Contact]] = defaultdict(list)
        self._skipped: set[int] = set()

    def add(self, shop_id: int, pseudonym: bytes, contact: Contact) -> None:
        self._of_buyer[shop_id, pseudonym].append(contact)

    def plan(self, order: CheckedOrder, due_at: datetime) -> None:
        """Count an invitation that is planned in this batch."""
        self._skipped.discard(order.id)
        unanswered = self.unanswered(order) + 1
        for pseudonym in order.pseudonyms:
            self.add(order.shop_id, pseudonym, Contact(order.id, None, due_at, unanswered))

    def skip(self, order: CheckedOrder) -> None:
        """Stop counting an invitation that this batch suspends or withdraws before it was sent."""
        self._skipped.add(order.id)

    def has_recent(self, order: CheckedOrder, now: datetime) -> bool:
        """Whether the buyer was invited for another order in the cap period."""
        cap_days = self._shops[order.shop_id].cap_days
        others = self._others(order)
        return any(
            one.at is not None and one.at > now - cap(cap_days, _in_a_row(one, others))
            for one in others
        )

    def decide_at(self, order: CheckedOrder, now: datetime) -> datetime | None:
        """Say when it is clear whether another invitation that is planned left; None without."""
        due = [one.due_at for one in self._others(order) if one.at is None]
        return max(min(due), now) + MARGIN if due and self._shops[order.shop_id].cap_days else None

    def unanswered(self, order: CheckedOrder) -> int:
        """Count the invitations before this one that led to no review, since the last review."""
        others = self._others(order)
        sent = [(one.at, _in_a_row(one, others)) for one in others if one.at]
        return max(sent)[1] if sent else 0

    def _others(self, order: CheckedOrder) -> list[Contact]:
        # A buyer may have pseudonyms of several keys: an invitation under one counts for all.
        return [
            one
            for pseudonym in order.pseudonyms
            for one in self._of_buyer.get((order.shop_id, pseudonym), ())
            if one.order_id != order.id and not (one.at is None and one.order_id in self._skipped)
        ]


def _in_a_row(one: Contact, others: Sequence[Contact]) -> int:
    """Count the unanswered invitations up to this one, since the newest that led to a review."""
    reviewed_at = max((x.at for x in others if x.at and not x.unanswered), default=None)
    if reviewed_at is None or one.at is None:
        return one.unanswered
    since = {x.order_id for x in others if x.at and x.unanswered and reviewed_at < x.at <= one.at}
    return min(len(since), one.unanswered)


def read(
    session: Session,
    received: Sequence[CheckedOrder],
    shops: Mapping[int, directory.Shop],
    now: datetime,
) -> Contacts:
    """Read the earlier invitations of these buyers.

    A message counts if it was sent (or may have been: unknown), or is due.
    """
    contacts = Contacts(shops)
    pseudonyms = {pseudonym for order in received for pseudonym in order.pseudonyms}
    if not pseudonyms:
        return contacts
    reviewed_at = (
        select(decisions.c.at)
        .where(decisions.c.order_id == orders.c.id, decisions.c.step == DecisionStep.REDEEM)
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            orders.c.id,
            orders.c.shop_id,
            orders.c.buyer_pseudonym,
            invitations.c.state,
            invitations.c.unanswered,
            messages.c.sent_at,
            messages.c.due_at,
            reviewed_at.label("reviewed_at"),
        )
        .join_from(orders, invitations, invitations.c.order_id == orders.c.id)
        .join(messages, message_of_invitation)
        .where(
            orders.c.shop_id.in_(shops),
            orders.c.buyer_pseudonym.in_(pseudonyms),
            or_(messages.c.state.in_(UNSETTLED), messages.c.sent_at > now - LONGEST),
        )
    )
    for row in rows:
        is_answered = row.state == REDEEMED
        at = (row.reviewed_at or row.sent_at) if is_answered else row.sent_at
        contact = Contact(row.id, at, row.due_at, 0 if is_answered else row.unanswered)
        contacts.add(row.shop_id, bytes(row.buyer_pseudonym), contact)
    return contacts
