"""Decide on a review: approve it, or reject it for a reason that is never its stars."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.errors import Refused
from trustsvc.invitations.models import invitations
from trustsvc.orders import decision_log
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.reviews import lookup
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import REASONS
from trustsvc.reviews.state import ReviewState, review_states
from trustsvc.storage import db, event_log
from trustsvc.work_queue import job_queue


def approve(
    session: Session, review_id: int | str, by: str, now: datetime, *, version: str = ""
) -> bool:
    """Approve a pending review and enqueue publish_reviews.

    False where the review is not pending any more, is restricted, or was corrected since `version`
    (`Review.version`): nobody approves a text that nobody read. Raises NotFound.
    """
    if not _decide(session, review_id, _Decision(ReviewState.APPROVED, by, version), now):
        return False
    job_queue.enqueue(session, "publish_reviews")
    return True


def reject(
    session: Session,
    review_id: int | str,
    reason: str,
    by: str,
    now: datetime,
    *,
    version: str = "",
) -> bool:
    """Reject a pending review for one of `policy.REASONS`; raises Refused for another reason.

    False and NotFound as for `approve`.
    """
    if reason not in REASONS:
        raise Refused(f"The reason must be one of: {', '.join(REASONS)}.")
    return _decide(session, review_id, _Decision(ReviewState.REJECTED, by, version, reason), now)


@dataclass(frozen=True, slots=True)
class _Decision:
    state: ReviewState
    by: str
    version: str
    reason: str | None = None


def _decide(session: Session, review_id: int | str, decision: _Decision, now: datetime) -> bool:
    """Compare and set from pending: of two deciders one wins, the other gets False."""
    review = lookup.find_review(session, review_id)
    if decision.version and decision.version != review.version:
        return False
    same_text = (
        reviews.c.edited_at.is_(None)
        if review.edited_at is None
        else reviews.c.edited_at == review.edited_at
    )
    done = session.execute(
        review_states.update(reviews, [ReviewState.PENDING], decision.state)
        .where(
            reviews.c.id == review.row_id,
            reviews.c.restricted_at.is_(None),
            same_text,
        )
        .values(reason=decision.reason, decided_by=decision.by, decided_at=now)
    )
    if not db.row_count(done):
        return False
    _record(session, review, decision, now)
    return True


def _record(session: Session, review: lookup.Review, decision: _Decision, now: datetime) -> None:
    event_log.record(session, f"review.{decision.state}", review.shop_id, review.row_id, now)
    order_id = session.scalar(
        select(invitations.c.order_id).where(invitations.c.id == review.invitation_id)
    )
    if order_id is not None:
        rule = decision.reason or "staff"
        entry = decision_log.DecisionLogEntry(
            order_id, DecisionStep.DECIDE, rule, Outcome(decision.state), now
        )
        decision_log.write(session, [entry])
