"""The database: SQLite first, PostgreSQL when outgrown. SQL is the truth.

`transaction()` is the only way to write. It lets one process write at a time on SQLite (an flock:
SQLite's own waiting has pauses of up to a second under load), commits, and then rings the bells
that were asked for inside it.
"""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Result, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.storage import connections

SMALL = 64 * 1024 * 1024
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL, appendix A

_engines: dict[str, Engine] = {}
_write_lock = threading.Lock()
_here = threading.local()


def engine() -> Engine:
    """Give the engine of the current settings, made once a process."""
    url = config.current().database_url
    if url not in _engines:
        _engines[url] = connections.open_engine(url)
    return _engines[url]


def dispose_engines() -> None:
    """Close all connections (tests; a process about to fork)."""
    for one in _engines.values():
        one.dispose()
    _engines.clear()


def is_sqlite() -> bool:
    return engine().dialect.name == "sqlite"


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction that writes; commit at the end, roll back on any exception.

    Bells asked for inside are rung after the commit, and never when it rolled back. Raises
    RuntimeError inside another one: verbs take the session they are given.
    """
    with _one_writer(), Session(engine(), expire_on_commit=False) as session:
        session.connection(execution_options={"trustsvc_write": True})
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        bells: list[Callable[[], object]] = session.info.pop("after_commit", [])
    for ring in bells:
        ring()


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session that only reads."""
    with Session(engine(), expire_on_commit=False) as session:
        yield session


def after_commit(session: Session, ring: Callable[[], object]) -> None:
    """Have something done once this transaction is on disk."""
    session.info.setdefault("after_commit", []).append(ring)


def row_count(result: Result[Any]) -> int:
    """Say how many rows a statement changed; SQLAlchemy types it only for the cursor's result."""
    return int(result.rowcount)  # type: ignore[attr-defined]


def insert(table: Table) -> postgresql.Insert | sqlite.Insert:
    """Start an INSERT that knows ON CONFLICT on whichever database this is."""
    return sqlite.insert(table) if is_sqlite() else postgresql.insert(table)


def scrub() -> bool:
    """Leave nothing of deleted rows in SQLite's write-ahead log; vacuum PostgreSQL.

    secure_delete overwrites freed pages, yet their text stays in the -wal file until a truncating
    checkpoint. Harmless when repeated; a reader that holds the log, or whoever holds a table on
    PostgreSQL, makes it a task for next time: False.
    """
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not is_sqlite():
            try:
                connection.exec_driver_sql("VACUUM")
            except OperationalError as problem:
                if getattr(problem.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise
                return False
            return True
        busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        return not busy


def vacuum() -> bool:
    """Write the database anew, so that no page keeps a copy of what was deleted, then scrub.

    secure_delete overwrites the row that is deleted, and not the copies that SQLite left behind
    where it moved the row between pages (one row in some hundreds, tests/storage/test_scrub.py);
    PostgreSQL's plain vacuum overwrites nothing. Writers wait meanwhile, so this is for small
    databases and for the night. False where somebody held it up or the disk is full: a
    task for next time.
    """
    with _one_writer():
        try:
            _write_anew()
        except OperationalError:
            scrub()
            return False
    return scrub()


def _write_anew() -> None:
    with _alone() as connection:
        if is_sqlite():
            # The copy that VACUUM writes must not lie on another disk than the database.
            folder = str(Path(engine().url.database or "").resolve().parent).replace("'", "''")
            connection.exec_driver_sql(f"PRAGMA temp_store_directory = '{folder}'")
            connection.exec_driver_sql("VACUUM")
        else:
            connection.exec_driver_sql(
                f"SET lock_timeout = {int(connections.LOCK_TIMEOUT_S * 500)}"
            )
            # ANALYZE too: samples of a column are kept beside the table.
            connection.exec_driver_sql("VACUUM (FULL, ANALYZE)")


def is_small() -> bool:
    """Say whether a rebuild takes no longer than about a second."""
    if is_sqlite():
        return Path(engine().url.database or "").stat().st_size <= SMALL
    with engine().connect() as connection:
        size = connection.exec_driver_sql(
            "SELECT pg_database_size(current_database())"
        ).scalar_one()
    return int(size) <= SMALL


@contextmanager
def _alone() -> Iterator[Connection]:
    """Open a connection outside of transactions; nobody uses it afterwards, it is set up anew."""
    options = {"isolation_level": "AUTOCOMMIT", "trustsvc_alone": True}
    with engine().connect().execution_options(**options) as connection:
        try:
            yield connection
        finally:
            connection.invalidate()


@contextmanager
def _one_writer() -> Iterator[None]:
    if getattr(_here, "writes", False):
        raise RuntimeError("a transaction inside a transaction would wait for itself for ever")
    _here.writes = True
    try:
        with _turn() if is_sqlite() else nullcontext():
            yield
    finally:
        _here.writes = False


@contextmanager
def _turn() -> Iterator[None]:
    path = Path(engine().url.database or "").with_suffix(".lock")
    with _write_lock:
        try:
            handle = path.open("a")
        except OSError as problem:  # a disk that is read-only or full, no file handle left
            raise OperationalError("lock", None, problem) from None
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
