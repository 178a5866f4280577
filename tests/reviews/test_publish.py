from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.errors import Gone
from trustsvc.reviews import correct, lookup, moderate, publish, withdraw
from trustsvc.reviews.models import publications, reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db, event_log
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.both_databases

SAME = ReviewInput(4, "Snel", "Fiets kwam heel aan.", "Ada L.", "Delft", consent=True)
OTHER = ReviewInput(2, "Toch niet", "Slot kapot.", "Ada", "", consent=True)


def _do(action, *args, **more):
    with db.transaction() as session:
        return action(session, *args, clock.now(), **more)


def _published(public_id=None, **more):
    public_id = public_id or review(shop(), **more)
    _do(moderate.approve, public_id, "staff 1")
    _do(publish.publish_approved)
    return public_id


def _lines():
    with db.reading() as session:
        return session.execute(select(publications)).all()


def _state(public_id):
    with db.reading() as session:
        return lookup.find_review(session, public_id).state


def _kinds():
    with db.reading() as session:
        return session.scalars(
            select(event_log.events.c.kind).order_by(event_log.events.c.id)
        ).all()


def test_an_approved_review_is_published_with_name_city_stars_text_and_dates(installation):
    at = clock.now().replace(microsecond=0) - timedelta(days=3)
    enqueued = []

    with job_queue.capture(enqueued.append):
        public_id = _published(at=at)

    (line,) = _lines()
    assert (line.stars, line.title, line.name, line.city) == (4, "Snel", "Ada L.", "Delft")
    assert (line.text, line.verified) == ("Fiets kwam heel aan.", True)
    assert line.experienced_at == at
    assert line.published_at > at
    assert _state(public_id) == "published"
    assert _kinds()[-1] == "review.published"
    assert enqueued[-1] == "refresh_badges"


def test_publishing_twice_publishes_nothing_more(installation):
    _published()

    assert _do(publish.publish_approved) == 0
    assert len(_lines()) == 1
    assert _kinds().count("review.published") == 1


def test_what_waits_or_was_rejected_is_not_published(installation):
    made = shop()
    review(made)
    _do(moderate.reject, review(made), "spam", "staff 1")

    assert _do(publish.publish_approved) == 0
    assert _lines() == []


def test_without_consent_nothing_is_ever_published_whatever_the_shop_decides(installation):
    public_id = _published(consent=False)

    assert _lines() == []
    assert _state(public_id) == "approved"


def test_a_correction_takes_the_line_down_until_it_is_decided_on_again(installation):
    public_id = _published()

    assert _do(correct.correct, public_id, OTHER)

    assert _lines() == []
    assert _state(public_id) == "pending"
    assert _kinds()[-1] == "review.withdrawn"
    _published(public_id)
    (line,) = _lines()
    assert (line.stars, line.title, line.city) == (2, "Toch niet", "")


def test_the_same_words_again_change_nothing(installation):
    public_id = _published()

    assert not _do(correct.correct, public_id, SAME)

    assert len(_lines()) == 1
    assert _state(public_id) == "published"


def test_a_rejected_review_can_be_corrected_and_loses_its_reason(installation):
    public_id = review(shop())
    _do(moderate.reject, public_id, "insult", "staff 1")

    _do(correct.correct, public_id, OTHER)

    with db.reading() as session:
        found = lookup.find_review(session, public_id)
    assert (found.state, found.reason, found.decided_at) == ("pending", None, None)


def test_taking_consent_back_by_a_correction_keeps_the_review_private(installation):
    public_id = _published()

    _do(correct.correct, public_id, ReviewInput(4, "Snel", "", "Ada L.", "", consent=False))
    _published(public_id)

    assert _lines() == []


def test_a_withdrawn_review_is_empty_at_once_and_for_good(installation):
    public_id = _published()

    assert _do(withdraw.withdraw, public_id)
    assert not _do(withdraw.withdraw, public_id)

    assert _lines() == []
    with db.reading() as session:
        row = session.execute(select(reviews)).one()
    kept = (row.title, row.text, row.name, row.city, row.email, row.reference, row.buyer_pseudonym)
    assert kept == ("", "", "", "", None, None, None)
    assert _kinds().count("review.withdrawn") == 1
    with pytest.raises(Gone):
        _do(correct.correct, public_id, OTHER)


def test_a_line_whose_review_is_not_published_is_swept_away(installation):
    _published()
    with db.transaction() as session:
        session.execute(update(reviews).values(state="rejected"))

    assert _do(publish.take_down_unpublishable) == 1
    assert _lines() == []
    assert _do(publish.take_down_unpublishable) == 0
