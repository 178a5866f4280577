"""Enqueue jobs by name: the queue is a hint that there is work, the database says which.

Only a job's name goes through Redis, in JSON. The scheduler enqueues lost jobs again, and a
duplicate does no harm. A job that is still pending is not enqueued twice, so a thousand orders in a
moment are one job.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from trustsvc import config, log
from trustsvc.storage import db
from trustsvc.work_queue import runtime

if TYPE_CHECKING:  # 100 ms of CPU, which a command that enqueues nothing does not spend
    import redis

# One message: a mail server may take ten minutes for its reply to the end of DATA (RFC 5321
# 4.5.3.2.6), and before that half a minute for each of a dozen replies.
SLOWEST_MESSAGE_S = 12 * 30 + 600
# The seconds each job may take; one that hangs is ended. Mail needs more than its rounds.
TIME_LIMIT_S = {
    "check_orders": 120,
    "send_messages": 2 * 120 + SLOWEST_MESSAGE_S,
    "answer_privacy_requests": 120,
    "plan_reminders": 120,
    "publish_reviews": 120,
    "refresh_badges": 120,
    "purge_server_log": 120,
    "purge_rows": 300,
    "record_notice_versions": 120,
    "recheck_domains": 120,
    "catch_up": 120,
    "watch_webhooks": 120,
    "scrub": 300,
}
JOB_NAMES = frozenset(TIME_LIMIT_S)
QUEUE = "trustsvc"
# Each with a worker of its own: a slow mail server delays nothing else, and nothing delays the
# answer to a person or a shop that exercises a right.
MAIL_QUEUE = "trustsvc-mail"
PRIVACY_QUEUE = "trustsvc-privacy"
QUEUE_OF = dict.fromkeys(JOB_NAMES, QUEUE) | {
    "send_messages": MAIL_QUEUE,
    "answer_privacy_requests": PRIVACY_QUEUE,
}
QUEUES = frozenset(QUEUE_OF.values())
# Each runs in a child of its worker, which gives back what it takes in memory: these are rare, or
# take much. The others run often and need what the last run left: compiled statements, connections.
FORKED = JOB_NAMES - {
    "check_orders",
    "send_messages",
    "publish_reviews",
    "refresh_badges",
    "catch_up",
}
FAILURE_TTL_S = 3600
PENDING_TTL_S = 30  # after this a job that was lost may be enqueued again
REDIS_PAUSE_S = 2.0  # for how long a Redis that did not answer is not asked

logger = log.get_logger("work_queue")
_connections: dict[str, "redis.Redis"] = {}
_paused_until = 0.0
_uncertain: set[str] = set()  # Redis may have a pending key for these, and no job
_thread = threading.local()


def redis_url() -> str:
    return config.current().redis_url or runtime.redis_url()


def connection() -> "redis.Redis":
    """Give the connection of the current settings; short time-outs: a request waits for it."""
    url = redis_url()
    if url not in _connections:
        from trustsvc.work_queue import redis_link

        _connections[url] = redis_link.quick(url)
    return _connections[url]


def is_paused() -> bool:
    """Say whether Redis did not answer lately: then a request does not wait for it again."""
    return time.monotonic() < _paused_until


def pause() -> None:
    """Note that Redis did not answer."""
    global _paused_until  # noqa: PLW0603 - one Redis a process
    _paused_until = time.monotonic() + REDIS_PAUSE_S


def enqueue(session: Session, name: str) -> None:
    """Enqueue a job once this transaction is on disk; the same name twice is one job."""
    _require_known(name)
    names: set[str] = session.info.setdefault("enqueued", set())
    if name not in names:
        names.add(name)
        db.after_commit(session, lambda: enqueue_now(name))


def enqueue_now(name: str) -> bool:
    """Enqueue a job now; when Redis is away the scheduler enqueues it later.

    True when the job is on the queue (new or still pending), False when Redis did not take it.
    """
    _require_known(name)
    receiver: Callable[[str], None] | None = getattr(_thread, "receiver", None)
    if receiver:
        receiver(name)
        return True
    if is_paused():
        return False
    import redis

    try:
        link = connection()
        if link.set(pending_key(name), 1, nx=name not in _uncertain, ex=PENDING_TTL_S):
            _put(link, name)
    except redis.RedisError as error:
        _uncertain.add(name)
        pause()
        logger.info("work_queue.job_not_enqueued", job=name, error=type(error).__name__)
        return False
    _uncertain.discard(name)
    return True


@contextmanager
def capture(receiver: Callable[[str], None]) -> Iterator[None]:
    """Pass the names that this thread enqueues to a function instead of Redis.

    For `trustsvc tick` and tests.
    """
    _thread.receiver = receiver
    try:
        yield
    finally:
        _thread.receiver = None


def jobs_of(queue: str) -> frozenset[str]:
    """Name the jobs of one queue."""
    return frozenset(name for name, its_queue in QUEUE_OF.items() if its_queue == queue)


def put_again(link: "redis.Redis", name: str) -> None:
    """Put a job back that was taken and not begun; another worker's turn."""
    link.set(pending_key(name), 1, ex=PENDING_TTL_S)
    _put(link, name)


def check_redis() -> None:
    """Raise Misconfigured for a Redis that may evict jobs; one that is away is no error."""
    import redis

    from trustsvc.work_queue import redis_checks

    with suppress(redis.RedisError):
        redis_checks.require_safe(redis_checks.inspect(connection()))


def pending_key(name: str) -> str:
    """Name the Redis key that stands for a job that is enqueued and not started."""
    return f"trustsvc:pending:{name}"


def _put(link: "redis.Redis", name: str) -> None:
    from rq import Queue
    from rq.serializers import JSONSerializer

    Queue(QUEUE_OF[name], connection=link, serializer=JSONSerializer).enqueue_call(
        f"jobs.{name}.{name}",
        timeout=TIME_LIMIT_S[name],
        result_ttl=0,
        failure_ttl=FAILURE_TTL_S,
        description=name,
    )


def _require_known(name: str) -> None:
    if name not in JOB_NAMES:
        raise ValueError("no such job")
