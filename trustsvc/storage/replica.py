"""Read from a streaming replica of PostgreSQL what may be some seconds old: the desk's pages.

Never for a decision. A replica is used only if it has everything that the database had committed
five seconds ago. That is compared by positions in the write-ahead log, so no clock counts, and a
replica that was cut off or promoted is noticed.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from trustsvc import config, log
from trustsvc.storage import db

MAX_LATE_S = 5.0
UNASKED_S = 30.0  # a replica that did not answer is not asked: each time takes up to five seconds
POSITION = text("SELECT pg_current_wal_lsn()::text")
REPLAYED = text("SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END")

logger = log.get_logger("replica")
_Page = TypeVar("_Page")
_lock = threading.Lock()
_sample: tuple[float, str, int] | None = None  # when, of which database, its position then
_paused_until = 0.0


def is_configured() -> bool:
    return bool(config.current().database_replica_url)


def read_page(page: Callable[[], _Page]) -> _Page:
    """Run what only reads, on the replica if it is there and not late, else on the database.

    It is run again on the database if the replica ends it midway.
    """
    if not is_configured() or time.monotonic() < _paused_until:
        return page()
    try:
        if not is_current():
            return page()
        with db.reading_from(db.engine_of(config.current().database_replica_url)):
            return page()
    except OperationalError as error:
        _pause(type(error.orig).__name__)
    return page()


def is_current() -> bool:
    """Say whether the replica has what the database had committed at most five seconds ago.

    Raises OperationalError when one of them does not answer.
    """
    wanted = _position()
    with db.engine_of(config.current().database_replica_url).connect() as connection:
        replayed = connection.execute(REPLAYED).scalar_one()
    return replayed is not None and _number(replayed) >= wanted


def _position() -> int:
    """Give how far the database was, now or at most five seconds ago."""
    global _sample  # noqa: PLW0603 - one database a process
    url = config.current().database_url
    with _lock:
        known = _sample
    if known and known[1] == url and time.monotonic() - known[0] < MAX_LATE_S:
        return known[2]
    began = time.monotonic()  # before: what is committed meanwhile need not be there
    with db.engine_of(url).connect() as connection:
        position = _number(connection.execute(POSITION).scalar_one())
    with _lock:
        _sample = began, url, position
    return position


def _number(position: str) -> int:
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def _pause(error: str) -> None:
    global _paused_until  # noqa: PLW0603 - one replica a process
    _paused_until = time.monotonic() + UNASKED_S
    logger.warning("replica.away", error=error)


def forget() -> None:
    """Forget what was seen of a replica, and ask it again."""
    global _sample, _paused_until
    _sample, _paused_until = None, 0.0
