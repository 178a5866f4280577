"""Let the author correct a review through the link it was written with."""

from datetime import datetime

from sqlalchemy import or_
from sqlalchemy.orm import Session

from trustsvc.errors import Gone
from trustsvc.reviews import lookup, publish, reply
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import CONSENT_WORDING, ReviewInput
from trustsvc.reviews.state import MAY_CHANGE, ReviewState, review_states
from trustsvc.storage import db


def correct(session: Session, review_id: int | str, review: ReviewInput, now: datetime) -> bool:
    """Replace the text of a review; it is pending again.

    A publication is taken down at once, not at the decision: the old text may be wrong or name a
    person, and that must not wait for staff. The shop's reply is deleted, because the text it
    answers is gone. The same text again changes nothing: False. Raises NotFound; Gone when the
    review is withdrawn or anonymised.
    """
    before = lookup.find_review(session, review_id)
    if before.state in MAY_CHANGE and before.author_input == review:
        return False
    updated = session.execute(
        review_states.update(reviews, MAY_CHANGE, ReviewState.PENDING)
        .where(
            reviews.c.id == before.row_id,
            # Anonymised meanwhile: it has no author any more who could correct it.
            or_(
                reviews.c.invitation_id.is_not(None),
                reviews.c.buyer_pseudonym.is_not(None),
                reviews.c.email.is_not(None),
            ),
        )
        .values(
            stars=review.stars,
            title=review.title,
            text=review.text,
            name=review.name,
            city=review.city,
            consent=review.consent,
            consent_wording=CONSENT_WORDING,
            edited_at=now,
            prior_published_at=None,
            decided_at=None,
            decided_by=None,
            reason=None,
        )
    )
    if not db.row_count(updated):
        raise Gone
    publish.take_down(session, [before.row_id], now)
    reply.delete_replies(session, [before.row_id])
    return True
