"""Count something for all processes and hosts together, in Redis, for as long as it answers."""

import redis

from trustsvc.work_queue import job_queue


def add_one(key: str, seconds: int) -> int | None:
    """Add one to a key that ends after so many seconds; gives the new count.

    None when Redis is away, for which no caller waits twice: whoever counts goes on alone.
    """
    if job_queue.is_paused():
        return None
    try:
        with job_queue.connection().pipeline(transaction=False) as both:
            both.incr(key)
            both.expire(key, seconds)
            count, _ = both.execute()
    except redis.RedisError:
        job_queue.pause()
        return None
    return int(count)
