import json

import pytest
from sqlalchemy import func, select, update

from jobs.publish_reviews import publish_reviews
from jobs.refresh_badges import refresh_badges
from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.badge import public_files
from trustsvc.reviews import moderate, publish
from trustsvc.reviews.models import publications, reviews
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.both_databases

JOBS = {"publish_reviews": publish_reviews, "refresh_badges": refresh_badges}


def test_an_approval_reaches_the_badge_by_jobs_alone(installation):
    enqueued = []
    with job_queue.capture(enqueued.append):
        made = shop()
        public_id = review(made)
        with db.transaction() as session:
            moderate.approve(session, public_id, "staff 1", clock.now())
        while enqueued:
            JOBS[enqueued.pop(0)]()

    face = json.loads((public_files.folder() / f"badge/v1/{made.slug}.json").read_bytes())
    assert (face["score"], face["reviews"]) == ("4.0", 1)


def test_publications_are_looked_at_in_turn(installation, monkeypatch):
    monkeypatch.setattr(publish, "WINDOW_SIZE", 1)
    monkeypatch.setattr("jobs.publish_reviews._looked_at", 0)
    made = shop()
    for public_id in [review(made) for _ in range(3)]:
        with job_queue.capture(lambda _: None), db.transaction() as session:
            moderate.approve(session, public_id, "staff 1", clock.now())
            publish.publish_approved(session, clock.now())
    with db.transaction() as session:
        session.execute(update(reviews).values(state="rejected"))

    left = []
    with job_queue.capture(lambda _: None):
        for _ in range(4):
            publish_reviews()
            with db.reading() as session:
                left.append(session.scalar(select(func.count()).select_from(publications)))

    assert left == [2, 1, 0, 0]


def test_a_process_begins_anywhere(installation, monkeypatch):
    with db.reading() as session:
        assert publish.anywhere(session) == 0
    made = shop()
    for public_id in [review(made) for _ in range(3)]:
        with job_queue.capture(lambda _: None), db.transaction() as session:
            moderate.approve(session, public_id, "staff 1", clock.now())
            publish.publish_approved(session, clock.now())
    monkeypatch.setattr(publish, "WINDOW_SIZE", 1)

    with db.reading() as session:
        newest = session.scalar(select(func.max(publications.c.review_id)))
        assert {publish.anywhere(session) for _ in range(200)} == set(range(newest))


def test_jobs_without_work_do_nothing_and_enqueue_nothing(installation):
    enqueued = []

    with job_queue.capture(enqueued.append):
        publish_reviews()
        refresh_badges()

    assert enqueued == []
