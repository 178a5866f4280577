"""Rate limit for a network of clients, counted for all web processes together.

The counts are in Redis under a keyed hash of the network, until the period ends. While Redis is
away each process counts for itself: a flood stays slowed, by a limit a process.
"""

import ipaddress
import threading
from collections import Counter
from datetime import datetime, timedelta

import redis

from trustsvc.crypto import keyring
from trustsvc.crypto.pseudonyms import hmac_sha256
from trustsvc.work_queue import job_queue

MAX_NETWORKS = 100_000
# A network is what one subscriber can easily have many addresses of.
PREFIX_BITS = {4: 24, 6: 48}


class RateLimit:
    """Allows `limit` hits of a network in a period; one instance a route, each with its name.

    Periods begin at multiples of their length, so that all processes have the same ones.
    """

    def __init__(self, name: str, limit: int, period: timedelta) -> None:
        self.name = name
        self.limit = limit
        self.period_s = int(period.total_seconds())
        self.current = 0
        self.hits: Counter[str] = Counter()
        self._lock = threading.Lock()

    def allows(self, address: str, now: datetime) -> bool:
        period, of = int(now.timestamp()) // self.period_s, network(address)
        if self._count_here(of, period) > self.limit:
            return False  # a flood costs no question to Redis
        count = _add_one(self._key(of, period), self.period_s)
        return count is None or count <= self.limit

    def _count_here(self, of: str, period: int) -> int:
        with self._lock:
            if period != self.current or len(self.hits) >= MAX_NETWORKS:
                self.hits.clear()
                self.current = period
            self.hits[of] += 1
            return self.hits[of]

    def _key(self, of: str, period: int) -> str:
        digest = hmac_sha256(keyring.newest_key("desk").secret, f"rate:{self.name}:{period}:{of}")
        return f"trustsvc:rate:{digest[:16].hex()}"


def network(address: str) -> str:
    """Give the network of an address; anything else is one network, `-`."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "-"
    return str(ipaddress.ip_network((known, PREFIX_BITS[known.version]), strict=False))


def _add_one(key: str, seconds: int) -> int | None:
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
