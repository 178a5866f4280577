"""End a web process whose request does not come to an end; the server starts another.

A thread cannot be ended from outside, so the whole process is ended. Its other requests come again,
from the platform or the reader that sent them. Waiting (for a slow sender, a lock, the disk) has
limits of its own; what counts here is CPU.
"""

import atexit
import contextlib
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from trustsvc import log

LIMIT_S = 10.0
EXIT_CODE = 1

logger = log.get_logger("http")


class RequestWatchdog:
    """WSGI middleware that ends this process, without notice, for a request of over ten seconds.

    A thread looks at the CPU time of each request. A call into C that keeps the interpreter's lock
    stops that thread too, so the thread also postpones a timer of faulthandler's, which needs none.
    """

    def __init__(self, app: WSGIApplication, limit_s: float = LIMIT_S) -> None:
        self.app = app
        self.limit_s = limit_s
        self.running: dict[int, tuple[int, float]] = {}  # by thread: its CPU clock, and its start
        self.starting = threading.Lock()
        self.arming = threading.Lock()
        self.armed = False
        self.thread: threading.Thread | None = None
        self.ending = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self.thread is None:
            self._start()
        ident = threading.get_ident()
        clock = time.pthread_getcpuclockid(ident)
        self.running[ident] = clock, time.clock_gettime(clock)
        if not self.armed:
            with self.arming:
                self._arm()
        try:
            return self.app(environ, start_response)
        finally:
            self.running.pop(ident, None)

    def _arm(self) -> None:
        # Prints where each thread is, and no values.
        faulthandler.dump_traceback_later(self.limit_s, exit=True, file=sys.stderr)
        self.armed = True

    def _start(self) -> None:
        with self.starting:
            if self.thread is None:
                self.thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self.thread.start()
                atexit.register(self._end)  # ending may take its time

    def _end(self) -> None:
        self.ending = True
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        while not self.ending:
            with self.arming:
                self.armed = False  # before `running` is read: a request that begins now sees it
                if self.running:
                    self._arm()
                else:  # a machine that was halted must not end processes without requests
                    faulthandler.cancel_dump_traceback_later()
            time.sleep(self.limit_s / 10)
            for clock, start in list(self.running.values()):
                with contextlib.suppress(OSError):  # the request and its thread just ended
                    if time.clock_gettime(clock) - start > self.limit_s:
                        logger.error("http.request_ended")
                        os._exit(EXIT_CODE)
