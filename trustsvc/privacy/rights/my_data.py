"""What the my-data page shows of a person's stored data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from trustsvc.mail.outbox.state import MessageState
from trustsvc.orders import decision_log
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.standing import ENDED, ParcelState
from trustsvc.privacy.rights import access_report
from trustsvc.privacy.rights.people import Person
from trustsvc.reviews import decision_texts
from trustsvc.reviews.state import ReviewState
from trustsvc.shops import directory

DATES = {
    "ordered": "created_at",
    "paid": "paid_at",
    "shipped": "shipped_at",
    "received": "received_at",
}
MESSAGE_STATES = {MessageState.LEASED: "on_its_way", MessageState.HANDED: "on_its_way"}
Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class MessageLine:
    kind: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One line of the decision log, in words."""

    at: datetime
    what: str
    rule: str
    outcome: str


@dataclass(frozen=True, slots=True)
class InvitationLine:
    id: int
    state: str
    link: bytes = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A review as its author sees it."""

    id: int
    state: str
    stars: int
    title: str = field(repr=False)
    text: str = field(repr=False)
    name: str = field(repr=False)
    city: str = field(repr=False)
    email: str | None = field(repr=False)
    reference: str | None = field(repr=False)
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class RegistrationLine:
    at: datetime
    consent_version: str
    link: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OrderLine:
    shop: directory.Shop
    name: str = field(repr=False)
    address: str = field(repr=False)  # in full, as in the copy behind the same link
    reference: str = field(repr=False)
    locale: str
    consent: bool | None
    dates: dict[str, datetime]  # events of the order, in their usual order
    invitation: InvitationLine | None = field(repr=False)
    messages: list[MessageLine]
    decisions: list[DecisionLine]
    review: ReviewLine | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OptOutLine:
    """An opt-out; `shop` is None, and `shop_id` 0, for all shops."""

    shop_id: int
    shop: directory.Shop | None
    at: datetime


@dataclass(frozen=True, slots=True)
class MyData:
    orders: list[OrderLine]
    reviews: list[ReviewLine] = field(repr=False)  # reviews without an order
    registered: RegistrationLine | None = field(repr=False)
    pending: list[datetime]  # when an unconfirmed registration was requested
    opt_outs: list[OptOutLine]
    restricted_since: datetime | None
    is_restricted: bool  # for the scope of this page: one shop is not all

    @property
    def published(self) -> list[ReviewLine]:
        every = [order.review for order in self.orders if order.review] + self.reviews
        return [review for review in every if review.state == ReviewState.PUBLISHED]


def collect_page(session: Session, person: Person) -> MyData:
    """Collect what is stored about a person, for the page."""
    rows = access_report.collect(session, person)
    opt_outs: dict[int, datetime] = {}  # the first of a shop; an older key may have added another
    for row in rows["opt_outs"]:
        if row["shop_id"] in {0, *person.pseudonyms}:
            opt_outs.setdefault(row["shop_id"], row["at"])
    ids = {row["shop_id"] for some in ("orders", "opt_outs") for row in rows[some]}
    known = directory.by_ids(session, ids)
    reviews = {row["id"]: _line(ReviewLine, row) for row in rows["reviews"]}
    by_invitation = {
        row["invitation_id"]: reviews[row["id"]] for row in rows["reviews"] if row["invitation_id"]
    }
    of_order = {row["order_id"]: _line(InvitationLine, row) for row in rows["invitations"]}
    orders = [
        _order(row, known[row["shop_id"]], of_order.get(row["id"]), by_invitation, rows, person)
        for row in rows["orders"]
    ]
    shown = {order.review.id for order in orders if order.review}
    registered = [_line(RegistrationLine, row) for row in rows["registered_buyers"]]
    restrictions = rows["restrictions"]
    return MyData(
        orders=orders,
        reviews=[
            review
            for review in reviews.values()
            if review.id not in shown and review.state != ReviewState.WITHDRAWN
        ],
        registered=next(iter(registered), None),
        pending=[row["requested_at"] for row in rows["pending_registrations"]],
        opt_outs=[OptOutLine(place, known.get(place), at) for place, at in opt_outs.items()],
        restricted_since=min((row["at"] for row in restrictions), default=None),
        is_restricted=any(row["shop_id"] == 0 for row in restrictions)
        if person.everywhere
        else bool(restrictions),
    )


def _line(kind: Callable[..., Line], row: Mapping[str, Any]) -> Line:
    """Make a line of the columns that are its fields."""
    return kind(**{one.name: row[one.name] for one in fields(kind)})  # type: ignore[arg-type]


def _order(
    row: Mapping[str, Any],
    shop: directory.Shop,
    invitation: InvitationLine | None,
    by_invitation: Mapping[int, ReviewLine],
    rows: access_report.Rows,
    person: Person,
) -> OrderLine:
    review = by_invitation.get(invitation.id) if invitation else None
    dates = {event: row[name] for event, name in DATES.items()}
    if row["delivery"] == ParcelState.DELIVERED:
        dates["delivered"] = row["delivery_at"]
    dates |= {
        row[name]: row[f"{name}_at"]
        for name in ("standing", "dispute", "returns")
        if row[name] in ENDED
    }
    return OrderLine(
        shop=shop,
        name=row["name"] or (review.name if review else ""),
        address=row["email"] or (review.email if review else "") or "",
        reference=row["reference"] or (review.reference if review else None) or "",
        locale=row["locale"] or "",
        consent=row["consent"],
        dates={event: moment for event, moment in dates.items() if moment},
        invitation=invitation,
        messages=[
            MessageLine(
                one["kind"],
                str(MESSAGE_STATES.get(one["state"], one["state"])),
                one["sent_at"] or one["due_at"],
            )
            for one in rows["messages"]
            if invitation and one["subject_id"] == invitation.id
        ],
        decisions=[
            _decision(line, person.language)
            for line in rows["decision_log"]
            if line["order_id"] == row["id"]
        ],
        review=review if review and review.state != ReviewState.WITHDRAWN else None,
    )


def _decision(row: Mapping[str, Any], language: str) -> DecisionLine:
    line = decision_log.DecisionLogEntry(
        row["order_id"], DecisionStep(row["step"]), row["rule"], Outcome(row["outcome"]), row["at"]
    )
    return DecisionLine(row["at"], *decision_texts.describe(line, language))
