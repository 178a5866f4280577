"""Correct a review: by its author, through the link it was written with."""

from datetime import datetime

from sqlalchemy import or_
from sqlalchemy.orm import Session

from trustsvc.errors import Gone
from trustsvc.reviews import lookup, publish, reply
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import CONSENT_WORDING, Draft
from trustsvc.reviews.state import MAY_CHANGE, ReviewState, review_states
from trustsvc.storage import db


def correct(session: Session, review_id: int | str, draft: Draft, now: datetime) -> bool:
    """Put the author's new words in place of the old; the review waits for a decision again.

    A published line is taken down at once and not kept until the decision: who corrects says that
    the old line is wrong, or names somebody it should not, and that must not wait for staff. The
    shop's reply goes with it: it answers words that are no longer there. The same words again
    change nothing: False. Raises NotFound; Gone when it was withdrawn or left without its author.
    """
    was = lookup.find_review(session, review_id)
    if was.state in MAY_CHANGE and was.said == draft:
        return False
    done = session.execute(
        review_states.update(reviews, MAY_CHANGE, ReviewState.PENDING)
        .where(
            reviews.c.id == was.row_id,
            # Nothing leads to one that was left without its author meanwhile: it is nobody's.
            or_(
                reviews.c.invitation_id.is_not(None),
                reviews.c.buyer_pseudonym.is_not(None),
                reviews.c.email.is_not(None),
            ),
        )
        .values(
            stars=draft.stars,
            title=draft.title,
            text=draft.text,
            name=draft.name,
            city=draft.city,
            consent=draft.consent,
            consent_wording=CONSENT_WORDING,
            edited_at=now,
            prior_published_at=None,
            decided_at=None,
            decided_by=None,
            reason=None,
        )
    )
    if not db.row_count(done):
        raise Gone
    publish.take_down(session, [was.row_id], now)
    reply.delete_replies(session, [was.row_id])
    return True
