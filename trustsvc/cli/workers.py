"""`trustsvc worker` and `trustsvc mailer`: each runs one queue.

The worker also starts the privacy worker, so that no operator who starts processes one by one can
leave it out.
"""

import contextlib
import signal
import sys
from collections.abc import Iterator

import click
import redis
from rq.exceptions import StopRequested

from trustsvc import config, log, redis_url
from trustsvc.cli import child_process, data_folder_lock
from trustsvc.cli.child_process import Child
from trustsvc.crypto import keyring
from trustsvc.errors import Misconfigured
from trustsvc.storage import key_guard, suppression_copy
from trustsvc.work_queue import job_queue, stop_request
from trustsvc.work_queue.worker import make_worker

NAME = "privacy-worker"

logger = log.get_logger("cli")


@click.command()
@data_folder_lock.shared()
@click.pass_context
def worker(context: click.Context) -> None:
    """Run the queued jobs, except those that send mail; waits while Redis is away.

    A child answers privacy requests, so that no other job delays them. The two end together: when
    the child ends by itself, this finishes its job and ends with 1, to be started again.
    """
    job_queue.check_redis()
    keyring.make_all()
    key_guard.require()
    child_process.share_imports(child_process.JOBS)
    child = PrivacyWorker()
    with stop_request.listening(child.ask_to_stop):
        try:
            child.start()
            _work(job_queue.QUEUE)
        finally:
            child.end()
    if child.has_failed:
        logger.warning("worker.privacy_worker_ended")
        context.exit(1)


@click.command()
@data_folder_lock.shared()
@stop_request.listening()
def mailer() -> None:
    """Run the jobs that send mail, apart, so that a slow mail server delays nothing else."""
    keyring.make_all()
    key_guard.require()
    _work(job_queue.MAIL_QUEUE)


class PrivacyWorker:
    """The child of `trustsvc worker`; `has_failed` says whether it ended without being asked."""

    END_S = job_queue.TIME_LIMIT_S["answer_privacy_requests"]

    def __init__(self) -> None:
        self.has_failed = False
        self._child = Child(NAME, _run_privacy_queue)

    def start(self) -> None:
        """Fork it, and have this process asked to stop once it ended."""
        self._child.keep_alive()
        signal.signal(signal.SIGCHLD, lambda *_: self._watch())
        self._watch()

    def _watch(self) -> None:
        if not self._child.is_alive() and not stop_request.is_made():
            self.has_failed = True
            signal.raise_signal(signal.SIGTERM)

    def ask_to_stop(self) -> None:
        self._child.terminate()

    def end(self) -> None:
        """Wait until the child finished its current job, and kill it at END_S; twice is safe."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._child.terminate()
        if process := self._child.process:
            process.join(self.END_S)
            process.kill()
            process.join()


def _run_privacy_queue() -> None:
    # The parent raises the same Misconfigured, and is who prints it.
    with stop_request.listening(), contextlib.suppress(Misconfigured):
        _work(job_queue.PRIVACY_QUEUE)
        return
    sys.exit(1)


def _work(queue: str) -> None:
    """Run one queue until asked to stop; call it inside `stop_request.listening()`."""
    if redis_url.is_open(config.current().redis_url):
        # every user of this machine can enqueue jobs
        logger.warning("worker.redis_without_password")
    logged = ""
    with _stop_interrupts():
        while (problem := _work_until_stopped(queue)) is not None:
            key_guard.require()
            if problem != logged:  # once, not every second for as long as it lasts
                logger.warning("worker.redis_unavailable", problem=problem)
            logged = problem
            suppression_copy.copy_if_due()
            stop_request.wait(1)


@contextlib.contextmanager
def _stop_interrupts() -> Iterator[None]:
    """Let a request to stop interrupt all but a job: a call to Redis may block for long."""
    before = {number: signal.getsignal(number) for number in (*stop_request.SIGNALS, signal.SIGHUP)}
    try:
        _interrupt_on_signals()
        if before[signal.SIGHUP] != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        with contextlib.suppress(StopRequested):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt_on_signals() -> None:
    for number in stop_request.SIGNALS:
        signal.signal(number, _interrupt)


def _interrupt(*_: object) -> None:
    is_first = not stop_request.is_made()
    stop_request.note()
    if is_first:
        raise StopRequested


def _work_until_stopped(queue: str) -> str | None:
    """Work; returns None when asked to stop, else the problem, which may pass.

    RQ ends without an error on a Redis that is silent, full, read-only or still loading.
    """
    if stop_request.is_made():
        return None
    reason = "worker_ended"
    try:
        make_worker(queue).work(logging_level="WARNING")
    except redis.RedisError as problem:
        reason = type(problem).__name__
    finally:
        _interrupt_on_signals()  # RQ's handlers belong to the worker that ended
    return None if stop_request.is_made() else reason
