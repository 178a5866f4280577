"""How often one network may knock: counted in memory, nothing of a visitor is written down."""

import ipaddress
import threading
from collections import Counter
from datetime import datetime, timedelta

MOST_NETWORKS = 100_000
# A network is what one subscriber can easily have many addresses of.
BITS = {4: 24, 6: 48}


class RateLimit:
    """Lets so many knocks of a network through in a while; one gate a door, one count a process.

    A process that starts again begins anew, and two processes count apart: this slows a flood, it
    accounts for nothing.
    """

    def __init__(self, most: int, every: timedelta) -> None:
        self.most = most
        self.every = every
        self.since: datetime | None = None
        self.hits: Counter[str] = Counter()
        self.counting = threading.Lock()

    def allows(self, address: str, now: datetime) -> bool:
        with self.counting:
            over = self.since is None or not self.since <= now < self.since + self.every
            if over or len(self.hits) >= MOST_NETWORKS:
                self.hits.clear()
                self.since = now
            self.hits[network(address)] += 1
            return self.hits[network(address)] <= self.most


def network(address: str) -> str:
    """Name the network of an address; what is none is a network of its own."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "-"
    return str(ipaddress.ip_network((known, BITS[known.version]), strict=False))
