"""The time limit of a job, which no `except Exception` swallows.

RQ's own time-out is an Exception, raised once: a job that catches everything in a loop outlives it.
"""

import os
import signal
from types import FrameType

from rq.timeouts import UnixSignalDeathPenalty

from trustsvc import log

REPEAT_S = 10
MAX_REPEATS = 6
LAST_REPEAT_S = MAX_REPEATS * REPEAT_S

logger = log.get_logger("work_queue")


class JobTimedOut(BaseException):
    """A job exceeded its limit: not an Exception, so it passes every `except Exception`."""


class TimeLimit(UnixSignalDeathPenalty):
    """Ends a job at its limit: its transaction is rolled back, the worker goes on.

    If even that is swallowed (a bare `except`, a `finally` that hangs) it is raised again every 10
    seconds. After a minute the worker exits; its supervisor restarts it, and the scheduler enqueues
    the job again.
    """

    def __init__(self, timeout: int, *args: object, **kwargs: object) -> None:
        super().__init__(timeout, JobTimedOut, **kwargs)  # type: ignore[no-untyped-call]
        self._repeats = 0

    def __exit__(self, *_: object) -> None:
        try:
            self.cancel_death_penalty()
        except JobTimedOut:  # raised while the job was ending
            self.cancel_death_penalty()

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        self._repeats += 1
        if self._repeats > MAX_REPEATS:
            logger.error("work_queue.worker_ended_with_job")
            os._exit(1)
        raise JobTimedOut

    def setup_death_penalty(self) -> None:
        signal.signal(signal.SIGALRM, self.handle_death_penalty)
        signal.setitimer(signal.ITIMER_REAL, self._timeout, REPEAT_S)

    def cancel_death_penalty(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
