"""Decide on a review: approve it, or reject it for a reason that is never its stars."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trustsvc.errors import Refused
from trustsvc.invitations.models import invitations
from trustsvc.orders import decision_log
from trustsvc.reviews import lookup
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import REASONS
from trustsvc.storage import event_log
from trustsvc.work_queue import job_queue


def approve(
    session: Session, review_id: int | str, by: str, now: datetime, *, version: str = ""
) -> bool:
    """Approve a review that waits; publish_reviews is rung. See `_decide` for twice and failure."""
    if not _decide(session, review_id, {"state": "approved", "by": by, "version": version}, now):
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
    """Reject a review that waits, for one of rules.REASONS; raises Refused for any other reason."""
    if reason not in REASONS:
        raise Refused(f"The reason must be one of: {', '.join(REASONS)}.")
    said = {"state": "rejected", "by": by, "version": version, "reason": reason}
    return _decide(session, review_id, said, now)


def _decide(session: Session, review_id: int | str, said: dict[str, str], now: datetime) -> bool:
    """Settle it by compare-and-set from pending: of two deciders one wins, the other gets False.

    With `version` (find.Review.version) a decision about words that the author has corrected since
    is not taken either: nobody approves a text that nobody read. Raises NotFound.
    """
    found = lookup.find_review(session, review_id)
    if said["version"] and said["version"] != found.version:
        return False
    same_text = (
        reviews.c.edited_at.is_(None)
        if found.edited_at is None
        else reviews.c.edited_at == found.edited_at
    )
    done = session.execute(
        update(reviews)
        .where(
            reviews.c.id == found.row_id,
            reviews.c.state == "pending",
            reviews.c.restricted_at.is_(None),
            same_text,
        )
        .values(
            state=said["state"],
            reason=said.get("reason"),
            decided_by=said["by"],
            decided_at=now,
        )
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        return False
    _tell(session, found, said, now)
    return True


def _tell(session: Session, found: lookup.Review, said: dict[str, str], now: datetime) -> None:
    event_log.record(session, f"review.{said['state']}", found.shop_id, found.row_id, now)
    order_id = session.scalar(
        select(invitations.c.order_id).where(invitations.c.id == found.invitation_id)
    )
    if order_id is not None:
        rule = said.get("reason", "staff")
        decision_log.write(
            session, [decision_log.DecisionLogEntry(order_id, "decide", rule, said["state"], now)]
        )
