"""The shop's public reply: one a review, in the shop's language."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.errors import Refused
from trustsvc.reviews import lookup, policy
from trustsvc.reviews.models import publications, replies, reviews
from trustsvc.shops import directory
from trustsvc.storage import db, event_log
from trustsvc.work_queue import job_queue

PROBLEMS = {
    "missing": "Write a reply, or remove the one there is.",
    "long": f"A reply has at most {policy.MAX_REPLY} characters.",
    "names_the_buyer": (
        "A reply is public: leave out the e-mail address and the order number of the review."
    ),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A shop's reply; `changed_at` is None until it is changed."""

    text: str
    language: str
    replied_at: datetime
    changed_at: datetime | None


def write_reply(session: Session, review_id: int | str, text: str, by: str, now: datetime) -> bool:
    """Write or replace the reply to a published review; its date is shown.

    The same text again, or a review that is not shown now, changes nothing: False. Raises NotFound;
    Refused for a text that is empty, too long, or identifies the buyer.
    """
    review = lookup.find_review(session, review_id)
    text = policy.clean(text, lines=True)
    problem = policy.reply_problem(text, _secrets(session, review))
    if problem:
        raise Refused(PROBLEMS[problem])
    # Locks the publication: a concurrent withdrawal waits, then deletes this reply too.
    publication = select(publications.c.review_id).where(publications.c.review_id == review.row_id)
    if session.scalar(publication.with_for_update()) is None:
        return False
    before = replies_to(session, [review.row_id]).get(review.row_id)
    if before and before.text == text:
        return False
    language = i18n.negotiate_language(directory.by_id(session, review.shop_id).language)
    content = {"text": text, "language": language, "replied_by": by}
    session.execute(
        db.insert(replies)
        .values(review_id=review.row_id, replied_at=now, **content)
        .on_conflict_do_update(index_elements=["review_id"], set_=content | {"changed_at": now})
    )
    event_log.record(session, "review.replied", review.shop_id, review.row_id, now)
    job_queue.enqueue(session, "refresh_badges")
    if before:
        job_queue.enqueue(session, "scrub")
    return True


def remove_reply(session: Session, review_id: int | str, now: datetime) -> bool:
    """Delete a reply; False where there is none. Raises NotFound."""
    review = lookup.find_review(session, review_id)
    if not delete_replies(session, [review.row_id]):
        return False
    event_log.record(session, "review.reply_removed", review.shop_id, review.row_id, now)
    job_queue.enqueue(session, "refresh_badges")
    return True


def delete_replies(session: Session, row_ids: Collection[int]) -> int:
    """Delete the replies to these reviews; gives how many.

    For reviews whose text or author was deleted: a reply may quote the one or name the other.
    """
    deleted = session.execute(delete(replies).where(replies.c.review_id.in_(row_ids)))
    count = db.row_count(deleted)
    if count:
        job_queue.enqueue(session, "scrub")
    return count


def replies_to(session: Session, row_ids: Collection[int]) -> dict[int, Reply]:
    """Return the replies to these reviews, by row id."""
    table = replies.c
    rows = session.execute(
        select(
            table.review_id, table.text, table.language, table.replied_at, table.changed_at
        ).where(table.review_id.in_(row_ids))
    )
    return {row.review_id: Reply(*row[1:]) for row in rows}


def _secrets(session: Session, review: lookup.Review) -> list[str]:
    email = session.scalar(select(reviews.c.email).where(reviews.c.id == review.row_id))
    return [secret for secret in (email, review.reference) if secret]
