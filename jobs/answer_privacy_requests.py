"""Answer the privacy requests of people and shops that are due."""

from trustsvc import clock
from trustsvc.privacy.rights import burst_alarm
from trustsvc.privacy.rights.answer_requests import answer_for
from trustsvc.storage import db
from trustsvc.work_queue import job_queue, stop_request

NAME = "answer_privacy_requests"
# A quarter of the job's time limit; the burst alarm is checked before each run.
RUN_S = 30.0


def answer_privacy_requests() -> None:
    """Answer what is due, for at most half a minute, then enqueue the rest as a new job.

    First raises the alarm of a burst of objections. A request to stop ends it after the current
    set. Two runs at once do no harm.
    """
    with db.transaction() as session:
        burst_alarm.watch(session, clock.now())
    if answer_for(db.transaction, clock.now, RUN_S, stop_request.is_made):
        job_queue.enqueue_now(NAME)
