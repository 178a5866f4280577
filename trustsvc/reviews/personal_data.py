"""A person's data in reviews: find, export, erase, restrict, correct."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import invitations
from trustsvc.reviews import publish, reply, withdraw
from trustsvc.reviews.models import NOBODY, publications, replies, reviews
from trustsvc.reviews.state import ReviewState, review_states
from trustsvc.storage import db, event_log, suppression_journal
from trustsvc.storage.columns import TableRows
from trustsvc.storage.suppression_entries import JournalEntry
from trustsvc.work_queue import job_queue


def find_reviews(
    session: Session,
    shop_ids: Collection[int],
    pseudonyms: Collection[bytes],
    order_ids: Collection[int],
) -> set[int]:
    """Find the reviews with these pseudonyms or of these orders."""
    of_orders = select(invitations.c.id).where(invitations.c.order_id.in_(order_ids))
    return set(
        session.scalars(
            select(reviews.c.id).where(
                reviews.c.shop_id.in_(shop_ids),
                or_(
                    reviews.c.buyer_pseudonym.in_(pseudonyms),
                    reviews.c.invitation_id.in_(of_orders),
                ),
            )
        )
    )


def review_rows(session: Session, review_ids: Collection[int]) -> TableRows:
    """Return every row of these reviews, by table."""
    written = session.execute(
        select(reviews).where(reviews.c.id.in_(review_ids)).order_by(reviews.c.id)
    ).mappings()
    shown = session.execute(
        select(publications).where(publications.c.review_id.in_(review_ids))
    ).mappings()
    answered = session.execute(
        select(replies).where(replies.c.review_id.in_(review_ids))
    ).mappings()
    rows_of = {"reviews": written, "publications": shown, "replies": answered}
    return {table: [dict(row) for row in rows] for table, rows in rows_of.items()}


AUTHOR = "author"
OTHERS = "others"  # the shop, its platform or its staff


def erase_reviews(
    session: Session,
    review_ids: Collection[int],
    now: datetime,
    *,
    anonymous: bool = False,
    by: str = AUTHOR,
) -> int:
    """Withdraw these reviews, or anonymise the published ones; returns how many.

    For their author only: what others ask for takes name and city off every review, and leaves
    words and stars, published or not. The shop's reply is deleted: it may name the author.
    """
    if by != AUTHOR:
        return len(anonymise_reviews(session, review_ids, now, note=True, by=by))
    stay = anonymise_reviews(session, review_ids, now, note=True) if anonymous else set()
    done = [withdraw.withdraw(session, one, now) for one in sorted(set(review_ids) - stay)]
    return sum(done) + len(stay)


def anonymise_reviews(
    session: Session,
    review_ids: Collection[int],
    now: datetime,
    *,
    note: bool = False,
    by: str = AUTHOR,
) -> set[int]:
    """Remove the author from reviews; returns their row ids. A second call is fine.

    When the author asks, of the published ones, which are cut from their orders: nothing leads to
    the author any more, the link included. When others ask, of all that are not withdrawn, and the
    author's link stays: behind it alone a review can be taken down. A published review that is
    restricted is shown again. With `note` the suppression journal records it, for a restore.
    """
    hidden = session.scalars(
        select(reviews.c.id).where(
            reviews.c.id.in_(review_ids),
            reviews.c.restricted_at.is_not(None),
            *([reviews.c.state == ReviewState.PUBLISHED] if by == AUTHOR else []),
        )
    ).all()
    if hidden:
        lift_review_restriction(session, hidden)
        publish.publish_approved(session, now, only=hidden)
    stay = _staying(session, review_ids, by)
    if not stay:
        return set()
    if note:
        _note_anonymised(session, stay.values(), now, by)
    cut: dict[str, object] = {"invitation_id": None} if by == AUTHOR else {}
    session.execute(update(reviews).where(reviews.c.id.in_(stay)).values(**NOBODY, **cut))
    session.execute(
        update(publications).where(publications.c.review_id.in_(stay)).values(name="", city="")
    )
    reply.delete_replies(session, stay)
    session.execute(
        event_log.events.insert(),
        [
            {"kind": "review.anonymised", "shop_id": row.shop_id, "subject": row.id, "at": now}
            for row in stay.values()
        ],
    )
    job_queue.enqueue(session, "refresh_badges")
    return set(stay)


def _note_anonymised(session: Session, rows: Iterable[Any], now: datetime, by: str) -> None:
    suppression_journal.append(
        session,
        [
            JournalEntry("anonymise_review", row.public_id.encode(), row.shop_id, now, by)
            for row in rows
        ],
    )


def _staying(session: Session, review_ids: Collection[int], by: str) -> dict[int, Any]:
    columns = select(reviews.c.id, reviews.c.public_id, reviews.c.shop_id)
    query = columns.where(
        reviews.c.id.in_(review_ids), reviews.c.state != ReviewState.WITHDRAWN
    ).with_for_update()
    if by == AUTHOR:
        query = query.join(publications, reviews.c.id == publications.c.review_id)
    return {row.id: row for row in session.execute(query)}


def restrict_reviews(
    session: Session, review_ids: Collection[int], now: datetime, *, by: str = AUTHOR
) -> int:
    """Neither show, count nor decide on these reviews until lifted; returns how many.

    The publication is taken down; its date is kept for when it is published again. When others
    than the author ask, what is published stays, without name and city.
    """
    if by != AUTHOR:
        published = _hide_author(session, review_ids)
        rest = set(review_ids) - published
        return len(published) + restrict_reviews(session, rest, now)
    shown = (
        select(publications.c.published_at)
        .where(publications.c.review_id == reviews.c.id)
        .scalar_subquery()
    )
    frozen = session.scalars(
        update(reviews)
        .where(
            reviews.c.id.in_(review_ids),
            reviews.c.state != ReviewState.WITHDRAWN,
            reviews.c.restricted_at.is_(None),
        )
        .values(
            restricted_at=now, prior_published_at=func.coalesce(shown, reviews.c.prior_published_at)
        )
        .returning(reviews.c.id)
    ).all()
    publish.take_down(session, frozen, now)
    if frozen:
        job_queue.enqueue(session, "refresh_badges")
    return len(frozen)


def lift_review_restriction(session: Session, review_ids: Collection[int]) -> int:
    """Lift the restriction; published reviews are published again with their former date."""
    restricted = (reviews.c.id.in_(review_ids), reviews.c.restricted_at.is_not(None))
    approve = review_states.update(reviews, [ReviewState.PUBLISHED], ReviewState.APPROVED)
    session.execute(approve.where(*restricted))
    lifted = session.execute(update(reviews).where(*restricted).values(restricted_at=None))
    job_queue.enqueue(session, "publish_reviews")
    return db.row_count(lifted) + _show_author(session, review_ids)


def _hide_author(session: Session, review_ids: Collection[int]) -> set[int]:
    hide = update(publications).where(publications.c.review_id.in_(review_ids))
    hidden = session.scalars(
        hide.values(name="", city="").returning(publications.c.review_id)
    ).all()
    if hidden:
        job_queue.enqueue(session, "refresh_badges")
    return set(hidden)


def _show_author(session: Session, review_ids: Collection[int]) -> int:
    """Show again whom a restriction hid; an anonymised review has nobody to show."""
    rows = session.execute(
        select(reviews.c.id, reviews.c.name, reviews.c.city)
        .join(publications, publications.c.review_id == reviews.c.id)
        .where(reviews.c.id.in_(review_ids), publications.c.name == "")
    ).all()
    hidden = [row for row in rows if row.name]
    for row in hidden:
        of_row = update(publications).where(publications.c.review_id == row.id)
        session.execute(of_row.values(name=row.name, city=row.city))
    if hidden:
        job_queue.enqueue(session, "refresh_badges")
    return len(hidden)


def correct_author_address(
    session: Session, review_ids: Collection[int], new: str, pseudonym: bytes
) -> int:
    """Replace an author's address where one is stored, at one shop; returns how many."""
    done = session.execute(
        update(reviews)
        .where(reviews.c.id.in_(review_ids), reviews.c.email.is_not(None))
        .values(email=new, buyer_pseudonym=pseudonym)
    )
    return db.row_count(done)
