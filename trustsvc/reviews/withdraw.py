"""Let the author withdraw a review for good."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.reviews import lookup, publish, reply
from trustsvc.reviews.models import NOBODY, reviews
from trustsvc.reviews.state import MAY_CHANGE, ReviewState, review_states
from trustsvc.storage import suppression_journal
from trustsvc.storage.suppression_entries import JournalEntry


def withdraw(session: Session, review_id: int | str, now: datetime) -> bool:
    """Withdraw a review: its publication is taken down and its content emptied at once.

    The row stays, so that its invitation cannot be used again and the counts on the shop's page
    stay true. A second call changes nothing: False. The suppression journal repeats it after a
    restore. Raises NotFound, and Unavailable when the journal cannot be written.
    """
    review = lookup.find_review(session, review_id)
    if not clear_content(session, [review.row_id], now):
        return False
    suppression_journal.append(
        session,
        [JournalEntry("withdraw_review", review.id.encode(), review.shop_id, now, "author")],
    )
    return True


def clear_content(session: Session, row_ids: Collection[int], now: datetime) -> int:
    """Empty and take down reviews; returns how many were not withdrawn before."""
    gone = session.scalars(
        review_states.update(reviews, MAY_CHANGE, ReviewState.WITHDRAWN)
        .where(reviews.c.id.in_(row_ids))
        .values(
            title="",
            text="",
            edited_at=now,
            **NOBODY,
        )
        .returning(reviews.c.id)
    ).all()
    publish.take_down(session, gone, now)
    reply.delete_replies(session, gone)
    return len(gone)
