"""The bell: says that there is work, never what it is about.

A job's name goes through Redis, in JSON, and nothing else; states in the database say what
is to be done. A bell that is lost is rung again by the clock, one that is rung twice does no harm,
and one that still hangs unanswered is not rung again: a thousand orders in a moment are one job.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.orm import Session

from trustsvc import config, log
from trustsvc.errors import Misconfigured
from trustsvc.storage import db
from trustsvc.work_queue import redis_checks, runtime, time_limit

# How long each may take, in seconds: a job that hangs ends, and the next one's turn comes.
# Letters need more than the two minutes of a round: a mail server may take ten for its answer to
# the last dot (RFC 5321 4.5.3.2.6), and before that half a minute for each of a dozen answers.
TIME_LIMIT_S = {
    "check_orders": 120,
    "send_invitations": 2 * 120 + 12 * 30 + 600,
    "send_correspondence": 2 * 120 + 12 * 30 + 600,
    "answer_privacy_requests": 120,
    "plan_reminders": 120,
    "publish_reviews": 120,
    "refresh_badges": 120,
    "purge_server_log": 120,
    "purge_rows": 300,
    "record_notice_versions": 120,
    "recheck_domains": 120,
    "scrub": 300,
}
JOB_NAMES = frozenset(TIME_LIMIT_S)
QUEUE = "trustsvc"
# Letters have a queue and a worker of their own: a mail server may be slow, nothing else should be.
MAIL_QUEUE = "trustsvc-letters"
MAIL_JOBS = frozenset({"send_invitations", "send_correspondence"})
FAILURE_TTL_S = 3600
PENDING_TTL_S = 30  # a bell whose job was lost may be rung again after this
WORKER_TTL_S = 30  # by default RQ waits 415 seconds on a line to Redis that fell silent
REDIS_PAUSE_S = 2.0  # how long we leave a Redis alone that did not answer

logger = log.get_logger("queueing")
_connections: dict[str, redis.Redis] = {}
_quiet_until = 0.0
_unsure: set[str] = set()  # Redis may have heard of these, and have no job for them
_listener = threading.local()


def connection() -> redis.Redis:
    """Give the connection of the current settings; short patience: a bell holds up no door."""
    url = config.current().redis_url or runtime.redis_url()
    if url not in _connections:
        _connections[url] = redis.Redis.from_url(
            url,
            socket_timeout=1.0,
            socket_connect_timeout=0.5,
            retry=Retry(NoBackoff(), 0),  # by default a silent Redis is asked four times
        )
    return _connections[url]


def enqueue(session: Session, name: str) -> None:
    """Ring for a job once this transaction is on disk."""
    _known(name)
    waiting: set[str] = session.info.setdefault("rung", set())
    if name not in waiting:
        waiting.add(name)
        db.after_commit(session, lambda: enqueue_now(name))


def enqueue_now(name: str) -> bool:
    """Ring now. A Redis that is away costs nothing but this bell: the clock rings again.

    True when the bell hangs (rung now or still unanswered), False when Redis did not take it.
    """
    global _quiet_until  # noqa: PLW0603 - one Redis a process
    _known(name)
    heard: Callable[[str], None] | None = getattr(_listener, "heard", None)
    if heard:
        heard(name)
        return True
    if time.monotonic() < _quiet_until:
        return False
    try:
        link = connection()
        if link.set(_pending_key(name), 1, nx=name not in _unsure, ex=PENDING_TTL_S):
            _queue(link, MAIL_QUEUE if name in MAIL_JOBS else QUEUE).enqueue_call(
                f"jobs.{name}.{name}",
                timeout=TIME_LIMIT_S[name],
                result_ttl=0,
                failure_ttl=FAILURE_TTL_S,
                description=name,
            )
    except redis.RedisError as problem:
        _unsure.add(name)
        _quiet_until = time.monotonic() + REDIS_PAUSE_S
        logger.info("bell not rung", job=name, problem=type(problem).__name__)
        return False
    _unsure.discard(name)
    return True


@contextmanager
def capture(heard: Callable[[str], None]) -> Iterator[None]:
    """Hand this thread's bells to somebody else than Redis: `trustsvc tick`, and tests."""
    _listener.heard = heard
    try:
        yield
    finally:
        _listener.heard = None


class NamedJob(Job):
    """A job that brings nothing along: what Redis says of callbacks and webhooks is not heard.

    RQ's maintenance imports and calls them too, for jobs whose worker died, with no look at whose
    they are.
    """

    success_callback = failure_callback = stopped_callback = property(lambda _: None)

    def send_webhooks(self, *args: Any, **kwargs: Any) -> None:
        """Tell nobody."""


class Worker(SimpleWorker):
    """Runs our jobs and nothing else: a job that names another function is refused and reported.

    JSON alone does not stop whoever can write to Redis from naming os.system. One queue only: with
    several RQ takes jobs in a way in which a killed worker loses them. A job whose time is over
    ends, whatever it catches.
    """

    death_penalty_class = time_limit.TimeLimit
    max_connection_wait_time = 5.0  # by default RQ looks once a minute whether Redis is back

    def validate_queues(self) -> None:
        super().validate_queues()  # type: ignore[no-untyped-call]
        if (
            self.queue_names() not in ([QUEUE], [MAIL_QUEUE])
            or self.serializer is not JSONSerializer
        ):
            raise Misconfigured(
                "A worker takes one queue of trustsvc, in JSON: start it with trustsvc worker, and "
                "trustsvc mailer for the letters."
            )

    @property
    def stop_requested(self) -> bool:
        return getattr(self, "_shutdown_requested_date", None) is not None

    def perform_job(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> bool:
        name = _own(job)
        if name is None:
            logger.error("a job that is not ours was refused", job_id=job.id)
            job.cancel()
            job.delete()
            return False
        job.timeout = min(
            job.timeout or TIME_LIMIT_S[name], TIME_LIMIT_S[name]
        )  # whatever Redis says
        # From here on new work needs a new bell: this job may already have looked past it.
        self.connection.delete(_pending_key(name))
        return bool(super().perform_job(job, queue, *args, **kwargs))

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log what went wrong and where; RQ's own line would carry the exception's text."""
        problem = exc_info[1] if len(exc_info) > 1 else None
        place = log.error_location(problem) if isinstance(problem, BaseException) else {}
        logger.error("a job failed", job=str(job.func_name).rpartition(".")[2], **place)

    def handle_job_failure(self, *args: Any, **kwargs: Any) -> None:
        """Keep the exception's text out of Redis as well."""
        kwargs["exc_string"] = "see the log"
        super().handle_job_failure(*args, **kwargs)


def make_worker(queue: str = QUEUE) -> Worker:
    """Make the worker: one queue, no arguments in its log.

    Bells of its queue that hang are forgotten: the job of one may have been lost with the worker
    before this one, and would not be rung for again until the bell's own end.
    Raises Misconfigured for a Redis that may lose what it is given, and RedisError when it is away.
    """
    url = config.current().redis_url or runtime.redis_url()
    link = redis.Redis.from_url(url)
    redis_checks.require_safe(redis_checks.inspect(link))
    mine = MAIL_JOBS if queue == MAIL_QUEUE else JOB_NAMES - MAIL_JOBS
    link.delete(*map(_pending_key, mine))
    return Worker(
        [_queue(link, queue)],
        connection=link,
        serializer=JSONSerializer,
        job_class=NamedJob,
        log_job_description=False,
        worker_ttl=WORKER_TTL_S,
    )


def check_redis() -> None:
    """Raise Misconfigured for a Redis that may lose what it is given; one that is away may come."""
    with suppress(redis.RedisError):
        redis_checks.require_safe(redis_checks.inspect(connection()))


def _own(job: Job) -> str | None:
    """Give the name of a job of ours; None for another, or one that brings more than its name."""
    try:
        name = str(job.func_name).rpartition(".")[2]
        callbacks = [value for key, value in job.to_dict().items() if key.endswith("callback_name")]
        brings = (*job.args, *job.kwargs, *job.webhooks, *filter(None, callbacks))
    except Exception:  # noqa: BLE001 - whatever somebody wrote into Redis
        return None
    is_ours = name in JOB_NAMES and job.func_name == f"jobs.{name}.{name}"
    return name if is_ours and not brings else None


def _queue(link: redis.Redis, name: str) -> Queue:
    return Queue(name, connection=link, serializer=JSONSerializer, job_class=NamedJob)


def _pending_key(name: str) -> str:
    return f"trustsvc:rung:{name}"


def _known(name: str) -> None:
    if name not in JOB_NAMES:
        raise ValueError("no such job")
