"""The processes under `trustsvc up`: forked once all is imported, and restarted when they end.

Five interpreters that each import everything take a second of CPU and 80 MB each; forked ones share
what their parent imported.
"""

import contextlib
import gc
import importlib
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkProcess

from setproctitle import setproctitle
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from trustsvc import cli, clock, log, preloaded
from trustsvc.doctor import readiness
from trustsvc.privacy import clock_watch
from trustsvc.storage import db
from trustsvc.work_queue import job_queue, runtime, stop_request

MIN_PAUSE_S, MAX_PAUSE_S = 0.2, 5.0
STABLE_S = 10
TIMEOUT_S = 15
# How long each process may take to end; the mailer as long as the slowest answer it allows.
STOP_TIMEOUTS_S = {"mailer": job_queue.SLOWEST_MESSAGE_S + TIMEOUT_S}
TELL_AFTER_S = 5
POLL_S = 0.05
REDIS = "redis"
START_S = 30.0  # a process that fails sooner than this could not start
MAX_FAILED_FORKS = 20  # then `up` ends, so that whatever supervises it starts it on a clean slate
JOBS = tuple(f"jobs.{name}" for name in job_queue.JOB_NAMES)
SHARED = ("trustsvc.app", "trustsvc.cli.processes", "trustsvc.cli.workers", *JOBS)
_fork = multiprocessing.get_context("fork")
logger = log.get_logger("up")


def share_imports(modules: Iterable[str] = SHARED) -> None:
    """Import what the children need, before the first is forked; connections are not shared."""
    for module in modules:
        importlib.import_module(module)
    preloaded.load()
    configure_mappers()
    db.close_connections()
    # A collection in a child would write to, and so copy, every page it shares; one here would
    # leave gaps in them, which the children fill.
    gc.freeze()


def share_first_work() -> None:
    """Watch the clock and try each readiness check, before the first child is forked.

    Each child does so soon; what that leaves in memory (statements, patterns) is shared then.
    """
    now = clock.read()
    with contextlib.suppress(SQLAlchemyError, OSError):  # the children say what is wrong
        with db.transaction() as session:
            clock_watch.watch(session, now)
        for check in readiness.READINESS_CHECKS.values():
            check(now.at)
    db.close_connections()
    gc.freeze()


def command(name: str) -> Callable[[], object]:
    """Give what runs one of our commands in a child."""
    return lambda: cli.main(args=[name], prog_name="trustsvc")


def program(words: list[str]) -> Callable[[], object]:
    """Give what runs another program in a child."""
    return lambda: os.execv(words[0], words)  # noqa: S606 - ours, without a shell


def run_once(run: Callable[[], object]) -> None:
    """Run something in a child, so that what it imports is not kept; raises SystemExit if it fails.

    It dies with its parent. A stop does not end it.
    """
    db.close_connections()
    parent = os.getpid()

    def begin() -> None:
        runtime.die_with_parent(parent)
        run()

    process = _fork.Process(target=begin)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(1)


@dataclass(slots=True)
class Child:
    """A process that is started again when it ends, after a pause that grows."""

    name: str
    run: Callable[[], object]
    process: ForkProcess | None = None
    pause_s: float = MIN_PAUSE_S
    not_before: float = 0.0  # monotonic: when it may start, then when it started
    repair: Callable[[], None] | None = None  # called when it could not start
    failed_forks: int = 0

    def keep_alive(self) -> None:
        if self.is_alive():
            if time.monotonic() - self.not_before > STABLE_S:
                self.pause_s = MIN_PAUSE_S
            return
        if self.process is not None:
            logger.warning("up.process_ended", process=self.name)
            if self.repair and (self.process.exitcode or 0) > 0 and self._is_starting():
                self.repair()
            self.process = None
            self._wait_longer()
        if time.monotonic() >= self.not_before:
            self._start()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def _start(self) -> None:
        process = _fork.Process(target=_become, args=(self.name, self.run, os.getpid()))
        # A signal that arrives before the child has its own handlers waits for them.
        signal.pthread_sigmask(signal.SIG_BLOCK, stop_request.SIGNALS)
        try:
            process.start()
        except OSError as problem:  # no memory, or as many processes as this user may have
            logger.warning("up.fork_failed", process=self.name, error=type(problem).__name__)
            self.failed_forks += 1
            if self.failed_forks >= MAX_FAILED_FORKS:
                raise
            self._wait_longer()
            return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_request.SIGNALS)
        self.process, self.failed_forks, self.not_before = process, 0, time.monotonic()

    def _wait_longer(self) -> None:
        self.not_before = time.monotonic() + self.pause_s
        self.pause_s = min(self.pause_s * 2, MAX_PAUSE_S)

    def _is_starting(self) -> bool:
        return time.monotonic() - self.not_before < START_S

    def terminate(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def end(self, began: float, asked: int) -> None:
        """Wait until it ended after `terminate`; kill it at its limit, or when asked once more."""
        limit = began + STOP_TIMEOUTS_S.get(self.name, TIMEOUT_S)
        tell_at = time.monotonic() + TELL_AFTER_S
        while self.process is not None and self.process.is_alive():
            now = time.monotonic()
            if now >= limit or stop_request.count() > asked:
                logger.warning("up.process_killed", process=self.name)
                self.process.kill()
                self.process.join()
            elif now >= tell_at:
                logger.info("up.waits_for_process", process=self.name)
                tell_at = math.inf
            else:
                time.sleep(POLL_S)


def end_all(children: Sequence[Child]) -> None:
    """Stop all at once but Redis, which the others need to end well.

    The mailer gets its answer from the mail server, or the message that is being sent would be
    unknown. A second signal kills whoever is left.
    """
    redis = [child for child in children if child.name == REDIS]
    asked = stop_request.count()
    for group in ([child for child in children if child not in redis], redis):
        began = time.monotonic()
        for child in group:
            child.terminate()
        for child in group:
            child.end(began, asked)


def _become(name: str, run: Callable[[], object], parent: int) -> None:
    os.setsid()  # Ctrl-C is for the parent, which ends its children in order
    runtime.die_with_parent(parent)
    os.environ["SPT_NOENV"] = "1"  # a title must not overwrite what ps shows of the environment
    setproctitle(f"trustsvc {name}")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_request.SIGNALS)
    run()
