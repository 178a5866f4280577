"""Withdraw a review: by its author, for good."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from trustsvc.reviews import find, publish
from trustsvc.reviews.models import reviews
from trustsvc.reviews.rules import MAY_CHANGE


def withdraw(session: Session, review_id: int | str, now: datetime) -> bool:
    """Take a review back: the published line goes and what was written is emptied at once.

    What stays is that there was one, so that its invitation cannot be used again and the counts on
    the shop's page stay true. Twice does no harm: False. Raises NotFound.
    """
    found = find.one(session, review_id)
    done = session.execute(
        update(reviews)
        .where(reviews.c.id == found.row_id, reviews.c.state.in_(MAY_CHANGE))
        .values(
            state="withdrawn",
            title="",
            text="",
            name="",
            city="",
            email=None,
            reference=None,
            buyer=None,
            edited_at=now,
        )
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        return False
    publish.take_down(session, [found.row_id], now)
    return True
