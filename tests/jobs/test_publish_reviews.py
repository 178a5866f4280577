import json

import pytest

from jobs.publish_reviews import publish_reviews
from jobs.refresh_badges import refresh_badges
from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.badge import public_files
from trustsvc.reviews import moderate
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


def test_jobs_without_work_do_nothing_and_enqueue_nothing(installation):
    enqueued = []

    with job_queue.capture(enqueued.append):
        publish_reviews()
        refresh_badges()

    assert enqueued == []
