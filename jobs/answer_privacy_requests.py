"""Answer the privacy requests of people and shops that are due."""

from trustsvc import clock
from trustsvc.privacy.rights import burst_alarm
from trustsvc.privacy.rights.answer_requests import answer_for
from trustsvc.storage import db
from trustsvc.work_queue import job_queue, stop_request

NAME = "answer_privacy_requests"
# Far below the time limit of the job, and an alarm of a burst comes within a minute.
RUN_S = 30.0


def answer_privacy_requests() -> None:
    """Answer what is due, for half a minute at most; two runs at once do no harm.

    What is left is a new job. Tells of a burst of objections before. Asked to stop, it ends after
    the set in hand.
    """
    with db.transaction() as session:
        burst_alarm.watch(session, clock.now())
    if answer_for(db.transaction, clock.now, RUN_S, stop_request.is_made):
        job_queue.enqueue_now(NAME)
