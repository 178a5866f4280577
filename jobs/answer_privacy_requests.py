"""Answer the privacy requests of people and shops that are due."""

from trustsvc import clock
from trustsvc.privacy.rights import burst_alarm
from trustsvc.privacy.rights.answer_requests import answer_for
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

NAME = "answer_privacy_requests"
RUN_S = 5.0


def answer_privacy_requests() -> None:
    """Answer for some seconds, then give way to the other jobs; two runs at once do no harm.

    What is left waits at the end of the queue, as a new job. Tells of a burst of objections before.
    """
    with db.transaction() as session:
        burst_alarm.watch(session, clock.now())
    if answer_for(db.transaction, clock.now, RUN_S):
        job_queue.enqueue_now(NAME)
