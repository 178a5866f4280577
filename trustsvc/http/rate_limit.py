"""Rate limit for a network of clients: counted in memory, nothing is stored."""

import ipaddress
import threading
from collections import Counter
from datetime import datetime, timedelta

MAX_NETWORKS = 100_000
# A network is what one subscriber can easily have many addresses of.
PREFIX_BITS = {4: 24, 6: 48}


class RateLimit:
    """Allows `limit` hits of a network in a period; one instance a route.

    Each process counts for itself, from its start: this slows a flood, it is no exact limit.
    """

    def __init__(self, limit: int, period: timedelta) -> None:
        self.limit = limit
        self.period = period
        self.since: datetime | None = None
        self.hits: Counter[str] = Counter()
        self._lock = threading.Lock()

    def allows(self, address: str, now: datetime) -> bool:
        with self._lock:
            over = self.since is None or not self.since <= now < self.since + self.period
            if over or len(self.hits) >= MAX_NETWORKS:
                self.hits.clear()
                self.since = now
            self.hits[network(address)] += 1
            return self.hits[network(address)] <= self.limit


def network(address: str) -> str:
    """Give the network of an address; anything else is one network, `-`."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "-"
    return str(ipaddress.ip_network((known, PREFIX_BITS[known.version]), strict=False))
