import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.reviews import correct, lookup, moderate, publish, withdraw
from trustsvc.reviews.models import publications
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.both_databases

TURNS = 12


def all_at_once(*deeds):
    start, problems = threading.Barrier(len(deeds)), []

    def run(deed):
        start.wait()
        try:
            with job_queue.capture([].append), db.transaction() as session:
                deed(session)
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is shown below
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def _lines():
    with db.reading() as session:
        return {row.review_id: row for row in session.execute(select(publications))}


@pytest.mark.slow
def test_words_that_nobody_approved_are_never_published(installation):
    made = shop()
    for turn in range(TURNS):
        public_id = review(made, text="read by staff")
        with db.reading() as session:
            version = lookup.find_review(session, public_id).version
        later = clock.now() + timedelta(seconds=1)
        other = ReviewInput(1, "", f"never read {turn}", "Ada", "", consent=True)

        all_at_once(
            lambda s, one=public_id, version=version: moderate.approve(
                s, one, "staff 1", clock.now(), version=version
            ),
            lambda s, one=public_id, new=other, at=later: correct.correct(s, one, new, at),
            lambda s: publish.publish_approved(s, clock.now()),
            lambda s: publish.publish_approved(s, clock.now()),
        )

    with db.transaction() as session:
        publish.publish_approved(session, clock.now())
    assert {line.text for line in _lines().values()} <= {"read by staff"}


@pytest.mark.slow
def test_a_withdrawal_wins_over_a_publication_at_the_same_moment(installation):
    made = shop()
    for _ in range(TURNS):
        public_id = review(made)
        with db.transaction() as session:
            moderate.approve(session, public_id, "staff 1", clock.now())

        all_at_once(
            lambda s: publish.publish_approved(s, clock.now()),
            lambda s, one=public_id: withdraw.withdraw(s, one, clock.now()),
            lambda s: publish.publish_approved(s, clock.now()),
        )

    assert _lines() == {}


@pytest.mark.slow
def test_of_many_deciders_at_once_one_decides(installation):
    public_id = review(shop())
    done = []

    all_at_once(
        *[
            lambda s: done.append(moderate.approve(s, public_id, "staff 1", clock.now()))
            for _ in range(4)
        ],
        *[
            lambda s: done.append(moderate.reject(s, public_id, "spam", "staff 2", clock.now()))
            for _ in range(4)
        ],
    )

    assert sorted(done) == [False] * 7 + [True]
