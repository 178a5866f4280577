"""Read from a streaming replica of PostgreSQL what may be some seconds old: the desk's pages.

Never for a decision. A replica is used only if it is one of this very database, and has everything
that the database had committed five seconds ago. That is compared by positions in the write-ahead
log, so no clock counts, and a replica that was cut off or promoted is noticed. Positions compare
only within one cluster and timeline: elsewhere they are numbers of another log.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from trustsvc import config, log
from trustsvc.storage import connections, db

MAX_LATE_S = 5.0
PAGE_S = 5.0  # what takes longer on the replica is read from the database
UNASKED_S = 30.0  # a replica that did not answer is not asked: each time takes some seconds
# The checkpoint's timeline is the old one for minutes after a promotion; the file's name is not.
PRIMARY = text(
    "SELECT pg_current_wal_lsn()::text AS position, current_database()::text AS database,"
    " system_identifier::text AS cluster,"
    " left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline FROM pg_control_system()"
)
# A replica tells its timeline late (at its next restart point), and by its receiver at once where
# our role may see that. Each is one that it has replayed or streams.
STANDBY = text(
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END AS position,"
    " current_database()::text AS database, system_identifier::text AS cluster,"
    " lpad(upper(to_hex(greatest(timeline_id, min_recovery_end_timeline,"
    " (SELECT received_tli FROM pg_stat_wal_receiver)))), 8, '0') AS timeline"
    " FROM pg_control_system(), pg_control_checkpoint(), pg_control_recovery()"
)
Refusal = Literal["", "late", "promoted", "cluster", "database", "timeline", "unreadable"]

logger = log.get_logger("replica")
_Page = TypeVar("_Page")
_lock = threading.Lock()
_trial = threading.Lock()  # held by the one thread that asks a replica that failed before
_engine: tuple[str, Engine] | None = None
_paused_until = 0.0
_has_failed = False


class _Place(NamedTuple):
    position: str | None
    database: str
    cluster: str
    timeline: str


_sample: tuple[float, str, _Place] | None = None  # when, of which database, what it was then


def is_configured() -> bool:
    return bool(config.current().database_replica_url)


def engine() -> Engine:
    """Give the replica's engine: a connection for each page, which ends after PAGE_S."""
    global _engine  # noqa: PLW0603 - one replica a process
    url = config.current().database_replica_url
    with _lock:
        if _engine is None or _engine[0] != url:
            _engine = url, connections.open_limited_engine(url, PAGE_S)
        return _engine[1]


def read_page(page: Callable[[], _Page]) -> _Page:
    """Run what only reads, on the replica if it is there and not late, else on the database.

    It is run again on the database if the replica ends it midway, or cannot answer it.
    """
    if not is_configured() or time.monotonic() < _paused_until:
        return page()
    if not _has_failed:
        found = _read(page)
    elif _trial.acquire(blocking=False):
        try:
            found = _read(page)
        finally:
            _trial.release()
    else:
        found = None
    return page() if found is None else found[0]


def is_current() -> bool:
    """Say whether the replica is one of this database, and at most five seconds behind it.

    Raises SQLAlchemyError when one of them does not answer.
    """
    with engine().connect() as connection:
        return not find_refusal(connection)


def find_refusal(connection: Connection) -> Refusal:
    """Say why this connection's server is not read from; empty where it is.

    Raises SQLAlchemyError when it or the database does not answer.
    """
    try:
        wanted = _primary()
        found = _place(connection, STANDBY)
    except ProgrammingError:  # our role may not execute one of the functions
        return "unreadable"
    if found.cluster != wanted.cluster:
        return "cluster"
    if found.database != wanted.database:
        return "database"
    if found.position is None:
        return "promoted"
    if found.timeline != wanted.timeline:
        return "timeline"
    return "late" if _number(found.position) < _number(wanted.position) else ""


def _read(page: Callable[[], _Page]) -> tuple[_Page] | None:
    """Run a page on the replica; None where it is to be run on the database."""
    global _has_failed  # noqa: PLW0603 - one replica a process
    try:
        with engine().connect() as connection:
            refusal = find_refusal(connection)
            connection.rollback()  # each session of the page begins its own
            if refusal == "late":
                return None
            if refusal:
                _pause()
                logger.warning("replica.refused", reason=refusal)
                return None
            with db.reading_from(connection):
                found = (page(),)
    except SQLAlchemyError as error:
        _pause()
        logger.warning("replica.away", error=type(getattr(error, "orig", None) or error).__name__)
        return None
    _has_failed = False
    return found


def _primary() -> _Place:
    """Give what the database is and how far it was, now or at most five seconds ago."""
    global _sample  # noqa: PLW0603 - one database a process
    url = config.current().database_url
    with _lock:
        known = _sample
    if known and known[1] == url and time.monotonic() - known[0] < MAX_LATE_S:
        return known[2]
    began = time.monotonic()  # before: what is committed meanwhile need not be there
    with db.engine_of(url).connect() as connection:
        place = _place(connection, PRIMARY)
    with _lock:
        _sample = began, url, place
    return place


def _place(connection: Connection, statement: TextClause) -> _Place:
    return _Place(**connection.execute(statement).mappings().one())


def _number(position: str | None) -> int:
    high, _, low = (position or "0/0").partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def _pause() -> None:
    global _paused_until, _has_failed
    _paused_until, _has_failed = time.monotonic() + UNASKED_S, True


def forget() -> None:
    """Forget what was seen of a replica, and ask it again."""
    global _sample, _paused_until, _has_failed
    _sample, _paused_until, _has_failed = None, 0.0, False
