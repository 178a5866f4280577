"""Count webhook deliveries in memory, and add the counts to the database every few seconds.

A request only adds to a dictionary with one entry a shop, answer and day. A killed process loses
five seconds of counts, one that ends normally none.
"""

import os
import threading
from datetime import datetime

from trustsvc import clock, log
from trustsvc.orders.webhook_health import record
from trustsvc.orders.webhook_health.record import CountedKey, Seen
from trustsvc.storage import db, periodic_write

INTERVAL_S = 5.0
NO_SHOP = 0  # an unknown endpoint: counted, so that it takes as long, and never written

logger = log.get_logger("webhook_health")


class _Counting:
    """The counts of one process that are not written yet; empty in a child."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.seen: dict[CountedKey, Seen] = {}

    def add(self, key: CountedKey, seen: Seen) -> None:
        with self.lock:
            known = self.seen.get(key)
            self.seen[key] = known.plus(seen) if known else seen

    def take(self) -> dict[CountedKey, Seen]:
        with self.lock:
            taken, self.seen = self.seen, {}
        return {key: seen for key, seen in taken.items() if key.shop_id != NO_SHOP}


_counting = _Counting()


def count(at: datetime, shop_id: int, answer: str) -> None:
    """Count one webhook delivery; writes nothing."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    _counting.add(CountedKey(shop_id, day, answer), Seen(1, at, at))


def write() -> int:
    """Add what was counted to the database; returns the number of rows.

    Several processes at once each add their own. If the database is down the counts stay in memory
    until the next time.
    """
    counting = _counting
    with counting.writing:
        taken = counting.take()
        try:
            if taken:
                with db.transaction() as session:
                    record.add(session, taken, clock.now())
        except BaseException:
            for key, seen in taken.items():
                counting.add(key, seen)
            raise
    return len(taken)


def start() -> None:
    """Write every five seconds from now on, and once more when this process ends."""
    periodic_write.start("webhook health", INTERVAL_S, write, _log_failure)


def _log_failure(error: str) -> None:
    logger.warning("webhook_health.not_written", error=error)


def reset() -> None:
    """Drop all counts: a child process must not write its parent's."""
    global _counting  # noqa: PLW0603 - one a process
    _counting = _Counting()


os.register_at_fork(after_in_child=reset)
