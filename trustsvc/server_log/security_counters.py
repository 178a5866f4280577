"""Count suspected attacks, and write the counts to the security database.

No request counts: the thread that writes the server log does, in memory. Every ten seconds it adds
the new counts in one transaction, one row for each kind, access, address and minute. A process adds
about a thousand rows a minute at most: beyond them addresses are merged. A killed process loses ten
seconds of counts, one that ends normally none.
"""

import os
import threading
from collections import Counter
from datetime import datetime
from typing import NamedTuple

from trustsvc import log
from trustsvc.crypto import keyring
from trustsvc.crypto.pseudonyms import hmac_sha256
from trustsvc.server_log import attack_patterns
from trustsvc.server_log.models import security_entries
from trustsvc.storage import db, periodic_write

INTERVAL_S = 10.0
MAX_COUNTERS = 1000  # of a minute: kind, access and address together
MAX_ADDRESSES = 10_000  # of a minute: addresses whose requests are counted

logger = log.get_logger("server_log")


class CounterKey(NamedTuple):
    """Requests counted together."""

    minute: datetime
    kind: str
    access: str
    address: str


class _Counting:
    """The counts of one process; empty in a child."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.seen: Counter[CounterKey] = Counter()
        self.written: Counter[CounterKey] = Counter()
        self.distinct: Counter[tuple[datetime, bool]] = Counter()

    def add(self, seen: CounterKey) -> None:
        with self.lock:
            if seen not in self.seen:
                # Floods have their own limit: a thousand visitors must not hide one forger.
                bucket = (seen.minute, seen.kind == attack_patterns.FLOOD)
                if self.distinct[bucket] >= (MAX_ADDRESSES if bucket[1] else MAX_COUNTERS):
                    seen = seen._replace(address=attack_patterns.MANY_ADDRESSES)
                else:
                    self.distinct[bucket] += 1
            if len(self.seen) < 2 * MAX_ADDRESSES or seen in self.seen:
                self.seen[seen] += 1

    def fresh(self) -> dict[CounterKey, int]:
        with self.lock:
            counts = [
                (one, n) for one, n in self.seen.items() if n >= attack_patterns.threshold(one.kind)
            ]
            return {one: n - self.written[one] for one, n in counts if n > self.written[one]}

    def mark_written(self, done: dict[CounterKey, int]) -> None:
        """Record what is written, and drop past minutes."""
        with self.lock:
            self.written.update(done)
            newest = max((one.minute for one in self.seen), default=None)
            for one in [one for one in self.seen if one.minute != newest]:
                number = self.seen[one]
                if number < attack_patterns.threshold(one.kind) or number == self.written[one]:
                    del self.seen[one], self.written[one]
            for bucket in [bucket for bucket in self.distinct if bucket[0] != newest]:
                del self.distinct[bucket]


_counting = _Counting()


def count(at: datetime, kind: str, access: str, address: str) -> None:
    """Count one; writes nothing."""
    minute = at.replace(second=0, microsecond=0)
    _counting.add(CounterKey(minute, kind, access, attack_patterns.counted_address(address)))


def write() -> int:
    """Add new counts to the security database; returns the number of rows.

    Several processes at once each add their own. If the database is down the counts stay in
    memory, bounded, until the next time.
    """
    with _counting.writing:
        fresh, done = _counting.fresh(), {}
        try:
            if fresh:
                _upsert(fresh)
            done = fresh
        finally:
            _counting.mark_written(done)
    return len(fresh)


def _upsert(fresh: dict[CounterKey, int]) -> None:
    secret = keyring.newest_key("desk").secret
    by_hash = {hmac_sha256(secret, f"security:{'|'.join(map(str, one))}"): one for one in fresh}
    # Sorted, so that two processes cannot deadlock.
    rows = [
        {"entry_hash": entry_hash, "count": fresh[by_hash[entry_hash]]}
        | by_hash[entry_hash]._asdict()
        for entry_hash in sorted(by_hash)
    ]
    table = security_entries
    statement = db.insert(table)
    add = {"count": table.c.count + statement.excluded.count}
    with db.transaction() as session:
        session.execute(
            statement.on_conflict_do_update(index_elements=["entry_hash"], set_=add), rows
        )


def start() -> None:
    """Write every ten seconds from now on, and once more when this process ends."""
    periodic_write.start("security", INTERVAL_S, write, _log_failure)


def _log_failure(error: str) -> None:
    logger.warning("server_log.security_events_not_written", error=error)


def reset() -> None:
    """Drop all counts: a child process must not write its parent's."""
    global _counting  # noqa: PLW0603 - one a process
    _counting = _Counting()


os.register_at_fork(after_in_child=reset)
