"""Rate limit for a network of clients, counted for all web processes together.

The counts are in Redis under a hash of the network, by a key of ours and for one period, until that
ends: nobody can tell a network from it, nor that it came back in the next period. While Redis is
away, frozen or slow each process counts for itself: a flood stays slowed, by a limit a process.
That costs one request 50 ms for a connection and as much for an answer, and then none of this
process for five seconds.
"""

import ipaddress
import threading
import time
from collections import Counter
from datetime import datetime, timedelta

import redis

from trustsvc.crypto import keyring
from trustsvc.crypto.pseudonyms import hmac_sha256
from trustsvc.work_queue import job_queue, redis_link

PAUSE_S = 5.0
MAX_NETWORKS = 100_000
# A network is what one subscriber can easily have many addresses of.
PREFIX_BITS = {4: 24, 6: 48}


class _Link:
    """The connection to Redis, which is not asked for a while after it did not answer."""

    def __init__(self) -> None:
        self._clients: dict[str, redis.Redis] = {}
        self.paused_until = 0.0  # monotonic

    def add_one(self, key: str, seconds: int) -> int | None:
        """Add one to a key that ends after so many seconds; gives the new count.

        None when Redis is away: whoever counts goes on alone.
        """
        if time.monotonic() < self.paused_until or job_queue.is_paused():
            return None
        try:
            with self._client().pipeline(transaction=False) as both:
                both.incr(key)
                both.expire(key, seconds)
                count, _ = both.execute()
        except redis.RedisError:
            self.paused_until = time.monotonic() + PAUSE_S
            return None
        return int(count)

    def _client(self) -> redis.Redis:
        url = job_queue.redis_url()
        if url not in self._clients:
            self._clients[url] = redis_link.hasty(url)
        return self._clients[url]


_link = _Link()


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
        count = _link.add_one(self._key(of, period), self.period_s)
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
