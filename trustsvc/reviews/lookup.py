"""Find reviews: for their author, for the desk and for the command line."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from trustsvc.errors import NotFound
from trustsvc.invitations.models import invitations
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.reviews.state import ReviewState
from trustsvc.shops.models import shops
from trustsvc.storage.columns import EPOCH

PUBLIC_ID_LENGTH = 16
_DECIDED = (ReviewState.APPROVED, ReviewState.PUBLISHED, ReviewState.REJECTED)


@dataclass(frozen=True, slots=True)
class Review:
    """A review as its author and the desk see it; `id` is its public id."""

    id: str
    row_id: int = field(repr=False)
    shop: str
    shop_id: int
    invitation_id: int | None
    state: ReviewState
    stars: int = field(repr=False)
    title: str = field(repr=False)
    text: str = field(repr=False)
    name: str = field(repr=False)
    city: str = field(repr=False)
    reference: str | None = field(repr=False)
    language: str
    consent: bool
    experienced_at: datetime
    submitted_at: datetime
    edited_at: datetime | None
    decided_at: datetime | None
    reason: str | None

    @property
    def author_input(self) -> ReviewInput:
        """The author's part, to compare with a submitted form."""
        return ReviewInput(self.stars, self.title, self.text, self.name, self.city, self.consent)

    @property
    def version(self) -> str:
        """Identify this text of the review, so that a decision on it does not hit a later text."""
        return str(int(((self.edited_at or self.submitted_at) - EPOCH).total_seconds() * 1000))


def list_reviews(
    session: Session, state: ReviewState | None = None, shop_id: int | None = None, limit: int = 200
) -> list[Review]:
    """List unrestricted reviews, oldest first."""
    query = _query().where(reviews.c.restricted_at.is_(None)).order_by(reviews.c.id).limit(limit)
    if state:
        query = query.where(reviews.c.state == state)
    if shop_id:
        query = query.where(reviews.c.shop_id == shop_id)
    return [_review(row) for row in session.execute(query)]


def pending_since(session: Session, shop_id: int | None = None) -> datetime | None:
    """Give since when the oldest pending review waits, at one shop or anywhere; None without one.

    One that its author corrected waits since then.
    """
    table = reviews.c
    query = select(func.min(func.coalesce(table.edited_at, table.submitted_at))).where(
        table.state == ReviewState.PENDING, table.restricted_at.is_(None)
    )
    since: datetime | None = session.scalar(
        query if shop_id is None else query.where(table.shop_id == shop_id)
    )
    return since


def list_decided(session: Session, limit: int = 30) -> list[Review]:
    """List unrestricted reviews with a decision, newest first."""
    newest: set[int] = set()
    for state in _DECIDED:  # one after another: together they are all sorted first
        table = reviews.c
        ids = select(table.id).where(table.state == state, table.restricted_at.is_(None))
        newest.update(session.scalars(ids.order_by(table.id.desc()).limit(limit)))
    chosen = sorted(newest, reverse=True)[:limit]
    rows = session.execute(_query().where(reviews.c.id.in_(chosen)).order_by(reviews.c.id.desc()))
    return [_review(row) for row in rows]


def find_review(session: Session, review_id: int | str) -> Review:
    """Find a review by its public id or row id; raises NotFound."""
    return _only(session.execute(_query().where(matches_id(review_id))).first())


def find_by_invitation(session: Session, invitation_id: int) -> Review | None:
    """Find the review written by an invitation, or None."""
    row = session.execute(_query().where(reviews.c.invitation_id == invitation_id)).first()
    return _review(row) if row else None


def author_email(session: Session, invitation_id: int) -> str | None:
    """Return the e-mail address of an invitation's author; None where it is erased."""
    mine = reviews.c.invitation_id == invitation_id
    email: str | None = session.scalar(select(reviews.c.email).where(mine))
    return email


def order_references(session: Session, order_ids: Collection[int]) -> dict[int, str]:
    """Return the order numbers stored with reviews, by order id."""
    rows = session.execute(
        select(invitations.c.order_id, reviews.c.reference)
        .join_from(reviews, invitations, invitations.c.id == reviews.c.invitation_id)
        .where(invitations.c.order_id.in_(order_ids), reviews.c.reference.is_not(None))
    )
    return {row.order_id: row.reference for row in rows}


def matches_id(review_id: int | str) -> ColumnElement[bool]:
    """Match a review in SQL: a public id has 16 characters, fewer digits are a row id."""
    if isinstance(review_id, int):
        return reviews.c.id == review_id
    is_row = review_id.isascii() and review_id.isdigit() and len(review_id) < PUBLIC_ID_LENGTH
    return reviews.c.id == int(review_id) if is_row else reviews.c.public_id == review_id


def _query() -> Select[Any]:
    table = reviews.c
    return select(
        table.public_id.label("id"),
        table.id.label("row_id"),
        shops.c.slug.label("shop"),
        table.shop_id,
        table.invitation_id,
        table.state,
        table.stars,
        table.title,
        table.text,
        table.name,
        table.city,
        table.reference,
        table.language,
        table.consent,
        table.experienced_at,
        table.submitted_at,
        table.edited_at,
        table.decided_at,
        table.reason,
    ).join_from(reviews, shops, shops.c.id == reviews.c.shop_id)


def _only(row: Row[*tuple[Any, ...]] | None) -> Review:
    if row is None:
        raise NotFound("There is no such review.")
    return _review(row)


def _review(row: Row[*tuple[Any, ...]]) -> Review:
    """Make a review of a row of _query(), whose columns are named as the fields."""
    return Review(**(row._asdict() | {"state": ReviewState(row.state)}))
