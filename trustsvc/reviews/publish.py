"""Publish approved reviews and take down publications."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from trustsvc.reviews import reply
from trustsvc.reviews.models import publications, replies, reviews
from trustsvc.reviews.state import ReviewState, review_states
from trustsvc.storage import db, event_log
from trustsvc.work_queue import job_queue

BATCH_SIZE = 500


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
    session.execute(db.insert(publications).on_conflict_do_nothing(), lines)
    _announce(session, "review.published", {row.id: row.shop_id for row in rows}, now)
    return len(rows)


_MAY_BE_SHOWN = and_(
    reviews.c.state == ReviewState.APPROVED, reviews.c.consent, reviews.c.restricted_at.is_(None)
)
_COPIED = ("shop_id", "stars", "title", "text", "name", "city", "language", "experienced_at")


def take_down(session: Session, review_ids: Collection[int], now: datetime) -> int:
    """Delete publications, in the transaction that ends their right to be shown."""
    gone = session.execute(
        delete(publications)
        .where(publications.c.review_id.in_(review_ids))
        .returning(publications.c.review_id, publications.c.shop_id)
    ).all()
    _announce(session, "review.withdrawn", {row.review_id: row.shop_id for row in gone}, now)
    if gone:
        job_queue.enqueue(session, "scrub")  # the text stays in the write-ahead log until then
    return len(gone)


def take_down_unpublishable(session: Session, now: datetime) -> int:
    """Take down publications whose review is not published: a safety net under the use cases.

    Their replies are deleted, except where the review is restricted and may be published again.
    """
    ended = reviews.c.state.not_in((ReviewState.PUBLISHED, ReviewState.APPROVED))
    answered = select(replies.c.review_id).join(reviews, reviews.c.id == replies.c.review_id)
    lost = session.scalars(answered.where(ended)).all()
    if lost:
        reply.delete_replies(session, lost)
    unpublishable = session.scalars(
        select(publications.c.review_id)
        .join_from(publications, reviews, reviews.c.id == publications.c.review_id)
        .where(or_(reviews.c.state != ReviewState.PUBLISHED, reviews.c.restricted_at.is_not(None)))
    ).all()
    return take_down(session, unpublishable, now) if unpublishable else 0


def _announce(session: Session, kind: str, shop_of: dict[int, int], now: datetime) -> None:
    if not shop_of:
        return
    rows = [
        {"kind": kind, "shop_id": shop_id, "subject": review_id, "at": now}
        for review_id, shop_id in shop_of.items()
    ]
    session.execute(event_log.events.insert(), rows)
    job_queue.enqueue(session, "refresh_badges")
