"""The time a job may take, which no `except Exception` swallows.

RQ's own time-out is an Exception, raised once: a job that catches everything in a loop outlives it.
"""

import os
import signal
from typing import Any

from rq.timeouts import UnixSignalDeathPenalty

from trustsvc import log

REPEAT_S = 10
MAX_REPEATS = 6

logger = log.get_logger("queueing")


class JobTimedOut(BaseException):
    """A job's time is over: not an Exception, so that it passes every `except Exception`."""


class TimeLimit(UnixSignalDeathPenalty):
    """Ends a job when its seconds are over: its transaction is rolled back, the worker goes on.

    Where somebody swallowed even that (a bare `except`, a `finally` that hangs) it is said again
    every 10 seconds, and after a minute the worker ends with its job; whoever keeps it starts it
    again, and the clock rings again.
    """

    def __init__(self, timeout: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(timeout, JobTimedOut, **kwargs)  # type: ignore[no-untyped-call]
        self._times = 0

    def __exit__(self, *_: object) -> None:
        try:
            self.cancel_death_penalty()
        except JobTimedOut:  # it came while we were on the way out
            self.cancel_death_penalty()

    def handle_death_penalty(self, signum: int, frame: Any) -> None:
        self._times += 1
        if self._times > MAX_REPEATS:
            logger.error("a job cannot be ended: its worker ends with it")
            os._exit(1)
        raise JobTimedOut

    def setup_death_penalty(self) -> None:
        signal.signal(signal.SIGALRM, self.handle_death_penalty)
        signal.setitimer(signal.ITIMER_REAL, self._timeout, REPEAT_S)

    def cancel_death_penalty(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
