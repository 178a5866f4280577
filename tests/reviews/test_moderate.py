from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.errors import NotFound, Refused
from trustsvc.orders import decision_log
from trustsvc.orders.models import orders
from trustsvc.reviews import correct, lookup, moderate
from trustsvc.reviews.policy import REASONS, ReviewInput
from trustsvc.storage import db, event_log
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.both_databases

OTHER = ReviewInput(1, "", "Something else.", "Ada", "", consent=True)


def _found(public_id):
    with db.reading() as session:
        return lookup.find_review(session, public_id)


def _approve(public_id, **more):
    with db.transaction() as session:
        return moderate.approve(session, public_id, "staff 1", clock.now(), **more)


def _reject(public_id, reason="spam"):
    with db.transaction() as session:
        return moderate.reject(session, public_id, reason, "staff 1", clock.now())


def test_approving_enqueues_publication_once(installation):
    public_id, enqueued = review(shop()), []

    with job_queue.capture(enqueued.append):
        assert _approve(public_id)
        assert not _approve(public_id)
        assert not _reject(public_id)

    assert enqueued == ["publish_reviews"]
    assert _found(public_id).state == "approved"


@pytest.mark.parametrize("reason", REASONS)
def test_a_rejection_says_why(installation, reason):
    public_id = review(shop())

    assert _reject(public_id, reason)

    found = _found(public_id)
    assert (found.state, found.reason) == ("rejected", reason)


@pytest.mark.parametrize("reason", ["", "low_stars", "negative", "<script>"])
def test_a_reason_that_is_not_on_the_list_is_refused(installation, reason):
    public_id = review(shop())

    with pytest.raises(Refused):
        _reject(public_id, reason)

    assert _found(public_id).state == "pending"


def test_decisions_are_in_the_decision_log_and_the_outbox_without_personal_data(installation):
    public_id = review(shop())
    _reject(public_id, "insult")

    with db.reading() as session:
        lines = decision_log.of_order(session, session.scalar(select(orders.c.id)))
        kinds = session.scalars(
            select(event_log.events.c.kind).order_by(event_log.events.c.id)
        ).all()
    assert [(line.step, line.rule, line.outcome) for line in lines][-1] == (
        "decide",
        "insult",
        "rejected",
    )
    assert kinds[-2:] == ["review.submitted", "review.rejected"]


def test_a_decision_about_words_that_were_corrected_since_is_not_taken(installation):
    public_id = review(shop())
    read = _found(public_id)
    with db.transaction() as session:
        correct.correct(session, public_id, OTHER, clock.now() + timedelta(seconds=1))

    assert not _approve(public_id, version=read.version)
    assert _found(public_id).state == "pending"
    assert _approve(public_id, version=_found(public_id).version)


def test_a_review_is_found_by_its_public_id_and_by_its_number(installation):
    public_id = review(shop())
    row_id = _found(public_id).row_id

    assert _found(row_id).id == _found(str(row_id)).id == public_id


@pytest.mark.parametrize("review_id", [0, "0", "nobody", "' OR 1=1", "9" * 15, "9" * 40, "\u0661"])
def test_an_id_that_names_nothing_is_not_found(installation, review_id):
    with pytest.raises(NotFound):
        _approve(review_id)
