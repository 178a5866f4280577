"""Publish approved reviews and take down publications."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true
from sqlalchemy.orm import Session

from trustsvc.reviews import reply, star_counts
from trustsvc.reviews.models import publications, replies, reviews
from trustsvc.reviews.state import ReviewState, review_states
from trustsvc.storage import db, event_log
from trustsvc.work_queue import job_queue

BATCH_SIZE = 500
WINDOW_SIZE = 2000  # publications looked at in a few milliseconds


def publish_approved(session: Session, now: datetime, only: Collection[int] | None = None) -> int:
    """Publish approved reviews with consent; returns how many.

    At most 500 a call, so that the transaction stays short: call again until it returns 0. Without
    consent a review stays approved and only the shop sees it. A restricted review waits. A second
    call does no harm. `only` limits the call to these row ids.
    """
    due = select(reviews.c.id).where(_MAY_BE_SHOWN).order_by(reviews.c.id).limit(BATCH_SIZE)
    if only is not None:
        due = due.where(reviews.c.id.in_(only))
    # The state is set first: that locks the row, so a correction comes before this or after it.
    rows = session.execute(
        review_states.update(reviews, [ReviewState.APPROVED], ReviewState.PUBLISHED)
        .where(reviews.c.id.in_(due), _MAY_BE_SHOWN)
        .returning(
            *(reviews.c[name] for name in _COPIED),
            reviews.c.id,
            reviews.c.invitation_id,
            reviews.c.prior_published_at,
        )
    ).all()
    if not rows:
        return 0
    lines = [
        {name: getattr(row, name) for name in _COPIED}
        | {
            "review_id": row.id,
            "verified": row.invitation_id is not None,
            "published_at": row.prior_published_at or now,
        }
        for row in rows
    ]
    insert = db.insert(publications).on_conflict_do_nothing()
    new = session.execute(insert.returning(*_COUNTED), lines)
    star_counts.change(session, 1, [(row.shop_id, row.stars, row.published_at) for row in new])
    _announce(session, "review.published", {row.id: row.shop_id for row in rows}, now)
    return len(rows)


_MAY_BE_SHOWN = and_(
    reviews.c.state == ReviewState.APPROVED, reviews.c.consent, reviews.c.restricted_at.is_(None)
)
_COUNTED = tuple(publications.c[name] for name in ("shop_id", "stars", "published_at"))
_COPIED = ("shop_id", "stars", "title", "text", "name", "city", "language", "experienced_at")


def take_down(session: Session, review_ids: Collection[int], now: datetime) -> int:
    """Delete publications, in the transaction that ends their right to be shown."""
    gone = session.execute(
        delete(publications)
        .where(publications.c.review_id.in_(review_ids))
        .returning(publications.c.review_id, *_COUNTED)
    ).all()
    star_counts.change(session, -1, [(row.shop_id, row.stars, row.published_at) for row in gone])
    _announce(session, "review.withdrawn", {row.review_id: row.shop_id for row in gone}, now)
    if gone:
        job_queue.enqueue(session, "scrub")  # the text stays in the write-ahead log until then
    return len(gone)


@dataclass(frozen=True, slots=True)
class Window:
    """Row ids of reviews: those after `after`, up to and with `to`, or to the end."""

    after: int = 0
    to: int | None = None

    def holds(self, review_id: ColumnElement[int]) -> ColumnElement[bool]:
        to = true() if self.to is None else review_id <= self.to
        return and_(review_id > self.after, to)


EVERY_REVIEW = Window()


def next_window(session: Session, after: int) -> Window:
    """Give the next WINDOW_SIZE publications to look at; the last ones have no end."""
    review_id = publications.c.review_id
    last = select(review_id).where(review_id > after).order_by(review_id)
    return Window(after, session.scalar(last.offset(WINDOW_SIZE - 1).limit(1)))


def anywhere(session: Session) -> int:
    """Give a random place among the publications to begin at; the first for a few of them."""
    newest = session.scalar(select(func.max(publications.c.review_id))) or 0
    return secrets.randbelow(newest) if newest > WINDOW_SIZE else 0


def has_unpublishable(session: Session, window: Window = EVERY_REVIEW) -> bool:
    """Say whether `take_down_unpublishable` would find something there; only reads."""
    return bool(_lost_replies(session, window) or _unpublishable(session, window))


def take_down_unpublishable(session: Session, now: datetime, window: Window = EVERY_REVIEW) -> int:
    """Take down publications whose review is not published: a safety net under the use cases.

    Their replies are deleted, except where the review is restricted and may be published again.
    """
    lost = _lost_replies(session, window)
    if lost:
        reply.delete_replies(session, lost)
    unpublishable = _unpublishable(session, window)
    return take_down(session, unpublishable, now) if unpublishable else 0


def _lost_replies(session: Session, window: Window) -> Sequence[int]:
    ended = reviews.c.state.not_in((ReviewState.PUBLISHED, ReviewState.APPROVED))
    answered = select(replies.c.review_id).join(reviews, reviews.c.id == replies.c.review_id)
    return session.scalars(answered.where(ended, window.holds(replies.c.review_id))).all()


def _unpublishable(session: Session, window: Window) -> Sequence[int]:
    return session.scalars(
        select(publications.c.review_id)
        .join_from(publications, reviews, reviews.c.id == publications.c.review_id)
        .where(
            or_(reviews.c.state != ReviewState.PUBLISHED, reviews.c.restricted_at.is_not(None)),
            window.holds(publications.c.review_id),
            window.holds(reviews.c.id),  # once more: else PostgreSQL reads all reviews
        )
    ).all()


def _announce(session: Session, kind: str, shop_of: dict[int, int], now: datetime) -> None:
    if not shop_of:
        return
    rows = [
        {"kind": kind, "shop_id": shop_id, "subject": review_id, "at": now}
        for review_id, shop_id in shop_of.items()
    ]
    session.execute(event_log.events.insert(), rows)
    job_queue.enqueue(session, "refresh_badges")
