"""The worker: runs jobs of ours from one queue, each within its time limit."""

import contextlib
import os
import signal
import threading
import time
from typing import NoReturn

from redis.client import Pipeline
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus
from setproctitle import setproctitle

from trustsvc import log
from trustsvc.errors import Misconfigured
from trustsvc.storage import db, key_guard, suppression_copy
from trustsvc.work_queue import (
    job_queue,
    redis_checks,
    redis_link,
    runtime,
    stop_request,
    time_limit,
)
from trustsvc.work_queue.job_queue import FORKED, JOB_NAMES, QUEUE, QUEUES, TIME_LIMIT_S, jobs_of

WORKER_TTL_S = 30  # by default RQ waits 415 seconds on a connection to Redis that fell silent
KILL_AFTER_S = 10  # after its time limit was raised for the last time
CHILD_POLL_S = 0.02

logger = log.get_logger("work_queue")


class NamedJob(Job):
    """A job without arguments: callbacks and webhooks that Redis names for it are ignored.

    RQ's maintenance would import and call them for any job whose worker died.
    """

    success_callback = failure_callback = stopped_callback = property(lambda _: None)

    def send_webhooks(self, *args: object, **kwargs: object) -> None:
        """Send none."""


class Worker(SimpleWorker):
    """Runs jobs of JOB_NAMES; a job that names another function is refused and logged.

    JSON alone does not keep somebody who can write to Redis from naming os.system. One queue only:
    with several, RQ fetches jobs in a way in which a killed worker loses them.
    """

    death_penalty_class = time_limit.TimeLimit
    max_connection_wait_time = 5.0  # by default RQ checks once a minute whether Redis is back
    _child = 0

    def validate_queues(self) -> None:
        super().validate_queues()  # type: ignore[no-untyped-call]
        names = self.queue_names()
        is_one_of_ours = len(names) == 1 and names[0] in QUEUES
        if not is_one_of_ours or self.serializer is not JSONSerializer:
            raise Misconfigured(
                "A worker takes one queue of trustsvc, in JSON: start it with trustsvc worker, and "
                "trustsvc mailer for mail."
            )

    def request_stop(self, signum: int, frame: object) -> None:
        """End when the job ends, which asks `stop_request`; twice changes nothing.

        RQ's own writes to Redis from within the signal handler, where an error would end the job,
        and takes a second signal (systemd sends one to each process) for an order to kill it.
        """
        stop_request.note()
        self._stop_requested = True
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGTERM)
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def subscribe(self) -> None:
        """Subscribe to no RQ commands: signals are enough, and these need a thread of their own."""

    def procline(self, message: str) -> None:
        """Keep the name of this process: RQ's names neither the queue nor us."""

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Copy the suppression journal too: this host may run no other process."""
        suppression_copy.copy_if_due()
        super().heartbeat(timeout, pipeline)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job; one of FORKED in a child, as RQ's own worker does with each.

        A child that is killed fails its job and not this process; killed with this process, it
        ends with it. One that sits in a library, where no time limit reaches it, is killed.
        """
        name = _job_name(job)
        if name and key_guard.problem():
            self._refuse_for_keys(job, name)
            return
        if name not in FORKED:
            super().execute_job(job, queue)
            return
        execution = self.prepare_execution(job)
        self._start_child(job, queue, execution)
        status = self._wait_for_child(TIME_LIMIT_S[name] + time_limit.LAST_REPEAT_S + KILL_AFTER_S)
        self.executions.pop(execution.id, None)
        if os.WIFSIGNALED(status):
            logger.error("work_queue.job_killed", job=name)
        if status:
            self.handle_job_failure(job, queue, execution=execution)
        self.set_state(WorkerStatus.IDLE)

    def _refuse_for_keys(self, job: Job, name: str) -> None:
        """Leave a job to hosts that have every key, and end: the process then says what to copy."""
        job.cancel()
        job.delete()
        job_queue.put_again(self.connection, name)
        self._stop_requested = True

    def _wait_for_child(self, limit_s: float) -> int:
        """Give how it ended (waitpid(2)); a request to stop is passed on meanwhile."""
        until, pause = time.monotonic() + limit_s, threading.Event()
        while not (ended := os.waitpid(self._child, os.WNOHANG))[0]:
            if time.monotonic() > until:
                os.kill(self._child, signal.SIGKILL)
            pause.wait(CHILD_POLL_S)
        self._child = 0
        return ended[1]

    def _start_child(self, job: Job, queue: Queue, execution: Execution) -> None:
        db.close_connections()
        worker = os.getpid()
        # A signal that arrives before it is known whom to pass it on to waits.
        signal.pthread_sigmask(signal.SIG_BLOCK, stop_request.SIGNALS)
        try:
            self._child = os.fork()
            if not self._child:
                self._be_child(worker, job, queue, execution)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_request.SIGNALS)

    def _be_child(self, worker: int, job: Job, queue: Queue, execution: Execution) -> NoReturn:
        code = 1
        try:
            runtime.die_with_parent(worker)
            setproctitle(f"trustsvc job {_job_name(job)}")
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # of the privacy worker's parent
            stop_request.forget_callback()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_request.SIGNALS)
            self.perform_job(job, queue, execution)
            code = 0
        except BaseException as problem:  # noqa: BLE001 - Redis is away: the job itself cannot raise
            where = log.error_location(problem)
            logger.error("work_queue.job_failed", job=_job_name(job), **where)  # noqa: TRY400
        finally:
            os._exit(code)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        name = _job_name(job)
        if name is None:
            logger.error("work_queue.job_refused", job_id=job.id)
            job.cancel()
            job.delete()
            return False
        job.timeout = min(job.timeout or TIME_LIMIT_S[name], TIME_LIMIT_S[name])
        # Work that arrives from here on needs a new job: this one may already have passed it.
        self.connection.delete(job_queue.pending_key(name))
        return bool(super().perform_job(job, queue, execution))

    def handle_exception(self, job: Job, *exc_info: object) -> None:
        """Log what failed and where; RQ's own line would carry the exception's text."""
        error = exc_info[1] if len(exc_info) > 1 else None
        location = log.error_location(error) if isinstance(error, BaseException) else {}
        name = str(job.func_name).rpartition(".")[2]
        logger.error("work_queue.job_failed", job=name, **location)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Keep the exception's text out of Redis as well."""
        super().handle_job_failure(job, queue, started_job_registry, "see the log", execution)


def make_worker(queue: str = QUEUE) -> Worker:
    """Make the worker of one queue.

    Drops the pending keys of its jobs: a job that was lost with the worker before could not be
    enqueued until its key expires. Raises Misconfigured for a Redis that may evict jobs, and
    RedisError when it is away.
    """
    link = redis_link.patient(job_queue.redis_url(), WORKER_TTL_S)
    redis_checks.require_safe(redis_checks.inspect(link))
    link.delete(*map(job_queue.pending_key, jobs_of(queue)))
    return Worker(
        [Queue(queue, connection=link, serializer=JSONSerializer, job_class=NamedJob)],
        connection=link,
        serializer=JSONSerializer,
        job_class=NamedJob,
        log_job_description=False,
        worker_ttl=WORKER_TTL_S,
    )


def _job_name(job: Job) -> str | None:
    """Give the name of a job of ours; None for another, or for one with arguments or callbacks."""
    try:
        name = str(job.func_name).rpartition(".")[2]
        callbacks = [value for key, value in job.to_dict().items() if key.endswith("callback_name")]
        extras = (*job.args, *job.kwargs, *job.webhooks, *filter(None, callbacks))
    except Exception:  # noqa: BLE001 - whatever somebody wrote into Redis
        return None
    is_ours = name in JOB_NAMES and job.func_name == f"jobs.{name}.{name}"
    return name if is_ours and not extras else None
