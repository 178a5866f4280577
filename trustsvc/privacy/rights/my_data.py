"""What the my-data page shows of a person's stored data."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.mail.outbox.state import HANDED, LEASED, MessageState
from trustsvc.orders import decision_log
from trustsvc.orders.platform_status import ENDED, ParcelState
from trustsvc.privacy.rights import access_report, stored_rows
from trustsvc.privacy.rights.people import Person
from trustsvc.privacy.rights.stored_rows import (
    DecisionRow,
    InvitationRow,
    OrderRow,
    RegistrationRow,
    ReviewRow,
    StoredRows,
)
from trustsvc.reviews import decision_texts
from trustsvc.reviews.state import ReviewState
from trustsvc.shops import directory


@dataclass(frozen=True, slots=True)
class MessageLine:
    kind: str
    state: MessageState
    at: datetime

    @property
    def word(self) -> str:
        """Name the state for its reader, to whom leased and handed over are the same."""
        return "on_its_way" if self.state in {LEASED, HANDED} else self.state


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One line of the decision log, in words."""

    at: datetime
    what: str
    rule: str
    outcome: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    shop: directory.Shop
    name: str = field(repr=False)
    address: str = field(repr=False)  # in full, as in the copy behind the same link
    reference: str = field(repr=False)
    locale: str
    consent: bool | None
    dates: dict[str, datetime]  # events of the order, in their usual order
    invitation: InvitationRow | None = field(repr=False)
    messages: list[MessageLine]
    decisions: list[DecisionLine]
    review: ReviewRow | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OptOutLine:
    """An opt-out; `shop` is None, and `shop_id` 0, for all shops."""

    shop_id: int
    shop: directory.Shop | None
    at: datetime


@dataclass(frozen=True, slots=True)
class MyData:
    orders: list[OrderLine]
    reviews: list[ReviewRow] = field(repr=False)  # reviews without an order
    registered: RegistrationRow | None = field(repr=False)
    pending: list[datetime]  # when an unconfirmed registration was requested
    opt_outs: list[OptOutLine]
    restricted_since: datetime | None
    is_restricted: bool  # for the scope of this page: one shop is not all

    @property
    def published(self) -> list[ReviewRow]:
        every = [order.review for order in self.orders if order.review] + self.reviews
        return [review for review in every if review.state == ReviewState.PUBLISHED]


def collect_page(session: Session, person: Person) -> MyData:
    """Collect what is stored about a person, for the page."""
    rows = stored_rows.read(access_report.collect(session, person))
    opt_outs: dict[int, datetime] = {}  # the first of a shop; an older key may have added another
    for row in rows.opt_outs:
        if row.shop_id in {0, *person.pseudonyms}:
            opt_outs.setdefault(row.shop_id, row.at)
    known = directory.by_ids(
        session, {row.shop_id for row in rows.orders} | {row.shop_id for row in rows.opt_outs}
    )
    orders = [_order(row, known[row.shop_id], rows, person) for row in rows.orders]
    shown = {order.review.id for order in orders if order.review}
    return MyData(
        orders=orders,
        reviews=[
            review
            for review in rows.reviews
            if review.id not in shown and review.state is not ReviewState.WITHDRAWN
        ],
        registered=next(iter(rows.registered_buyers), None),
        pending=[row.requested_at for row in rows.pending_registrations],
        opt_outs=[OptOutLine(place, known.get(place), at) for place, at in opt_outs.items()],
        restricted_since=min((row.at for row in rows.restrictions), default=None),
        is_restricted=any(row.shop_id == 0 for row in rows.restrictions)
        if person.everywhere
        else bool(rows.restrictions),
    )


def _order(row: OrderRow, shop: directory.Shop, rows: StoredRows, person: Person) -> OrderLine:
    invitation = next((one for one in rows.invitations if one.order_id == row.id), None)
    by = invitation.id if invitation else None
    review = next((one for one in rows.reviews if by and one.invitation_id == by), None)
    return OrderLine(
        shop=shop,
        name=row.name or (review.name if review else ""),
        address=row.email or (review.email if review else "") or "",
        reference=row.reference or (review.reference if review else None) or "",
        locale=row.locale or "",
        consent=row.consent,
        dates=_dates(row),
        invitation=invitation,
        messages=[
            MessageLine(one.kind, one.state, one.sent_at or one.due_at)
            for one in rows.messages
            if one.subject_id == by
        ],
        decisions=[
            _decision(line, person.language)
            for line in rows.decision_log
            if line.order_id == row.id
        ],
        review=review if review and review.state is not ReviewState.WITHDRAWN else None,
    )


def _dates(row: OrderRow) -> dict[str, datetime]:
    dates: dict[str, datetime | None] = {
        "ordered": row.created_at,
        "paid": row.paid_at,
        "shipped": row.shipped_at,
        "received": row.received_at,
    }
    if row.delivery is ParcelState.DELIVERED:
        dates["delivered"] = row.delivery_at
    ends = (
        (row.platform_status, row.platform_status_at),
        (row.dispute, row.dispute_at),
        (row.returns, row.returns_at),
    )
    dates |= {end: at for end, at in ends if end in ENDED and end is not None}
    return {event: moment for event, moment in dates.items() if moment}


def _decision(row: DecisionRow, language: str) -> DecisionLine:
    line = decision_log.DecisionLogEntry(row.order_id, row.step, row.rule, row.outcome, row.at)
    return DecisionLine(row.at, *decision_texts.describe(line, language))
