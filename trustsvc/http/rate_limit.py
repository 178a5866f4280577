"""How often one network may knock: counted in memory, nothing of a visitor is written down."""

import ipaddress
import threading
from collections import Counter
from datetime import datetime, timedelta

MAX_NETWORKS = 100_000
# A network is what one subscriber can easily have many addresses of.
PREFIX_BITS = {4: 24, 6: 48}


class RateLimit:
    """Lets so many knocks of a network through in a while; one gate a door, one count a process.

    A process that starts again begins anew, and two processes count apart: this slows a flood, it
    accounts for nothing.
    """

    def __init__(self, limit: int, period: timedelta) -> None:
        self.limit = limit
        self.period = period
        self.since: datetime | None = None
        self.hits: Counter[str] = Counter()
        self.counting = threading.Lock()

    def allows(self, address: str, now: datetime) -> bool:
        with self.counting:
            over = self.since is None or not self.since <= now < self.since + self.period
            if over or len(self.hits) >= MAX_NETWORKS:
                self.hits.clear()
                self.since = now
            self.hits[network(address)] += 1
            return self.hits[network(address)] <= self.limit


def network(address: str) -> str:
    """Name the network of an address; what is none is a network of its own."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "-"
    return str(ipaddress.ip_network((known, PREFIX_BITS[known.version]), strict=False))
