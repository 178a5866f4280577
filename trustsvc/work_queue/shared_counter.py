"""Count something for all processes and hosts together, in Redis, for as long as it answers."""

import time

import redis

from trustsvc.work_queue import job_queue

PAUSE_S = 2.0  # for how long a Redis that did not answer is not asked
_paused_until = 0.0


def add_one(key: str, seconds: int) -> int | None:
    """Add one to a key that ends after so many seconds; gives the new count.

    None when Redis is away, for which no caller waits twice: whoever counts goes on alone.
    """
    global _paused_until  # noqa: PLW0603 - one Redis a process
    if time.monotonic() < _paused_until:
        return None
    try:
        with job_queue.connection().pipeline(transaction=False) as both:
            both.incr(key)
            both.expire(key, seconds)
            count, _ = both.execute()
    except redis.RedisError:
        _paused_until = time.monotonic() + PAUSE_S
        return None
    return int(count)
