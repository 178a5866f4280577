"""Engines, sessions and transactions: SQLite by default, PostgreSQL for larger installations.

`transaction()` is the only way to write. On SQLite one process writes at a time, by an flock
(SQLite's own waiting pauses for up to a second under load). After the commit it runs what was
passed to `after_commit`, such as enqueuing jobs.
"""

import fcntl
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Executable, Result, RowMapping, Table, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import Pool

from trustsvc import config
from trustsvc.errors import Refused
from trustsvc.storage import connections

if TYPE_CHECKING:  # a dialect imports every driver's module: one of the two is enough
    from sqlalchemy.dialects import postgresql, sqlite

OpenTransaction = Callable[[], AbstractContextManager[Session]]  # such as transaction()

LOCK_POLL_S = 0.01
SQLITE_BUSY = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED

_engines: dict[str, Engine] = {}
_write_lock = threading.Lock()
_thread = threading.local()
_committed_at = -math.inf  # monotonic


class WriterBusy(OperationalError):
    """Others held the write lock for all of the time that the caller may wait."""


def engine() -> Engine:
    """Give the engine of the current settings, made once a process."""
    return engine_of(config.current().database_url)


def engine_of(url: str) -> Engine:
    if url not in _engines:
        _engines[url] = connections.open_engine(url)
    return _engines[url]


def dispose_engines() -> None:
    """Close all connections and forget their engines, for other settings or another database."""
    close_connections()
    _engines.clear()


def close_connections() -> None:
    """Close all connections of a process about to fork; its children share the engines."""
    for one in _engines.values():
        one.dispose()


_inherited: list[Pool] = []  # kept, so that nothing closes what is the parent's


def _forget_inherited() -> None:
    """Have a forked child open connections of its own: two processes on one get mixed answers."""
    for one in _engines.values():
        _inherited.append(one.pool)
        one.dispose(close=False)


os.register_at_fork(after_in_child=_forget_inherited)


def is_sqlite() -> bool:
    return engine().dialect.name == "sqlite"


def is_pooled() -> bool:
    """Say whether a connection pooler is between us and PostgreSQL."""
    with engine().connect() as connection:
        return bool(connection.info.get(connections.POOLED))


def require_direct() -> None:
    """Raise Refused behind a pooler: what a session sets would stay in a connection of others."""
    if is_pooled():
        raise Refused(
            "TRUSTSVC_DATABASE_URL names a connection pooler (PgBouncer): run this one command "
            "with the address of PostgreSQL itself."
        )


@contextmanager
def transaction(wait_s: float | None = None) -> Iterator[Session]:
    """Open a transaction that writes; commit at the end, roll back on any exception.

    Callbacks of `after_commit` run after the commit, and never after a rollback. Raises
    RuntimeError inside another transaction: use cases take the session they are given. With
    `wait_s` raises WriterBusy when the write lock is not free within that time.
    """
    global _committed_at  # noqa: PLW0603 - one number a process
    with exclusive_writer(wait_s), Session(engine(), expire_on_commit=False) as session:
        _begin(session, wait_s)
        try:
            yield session
            session.commit()
            _committed_at = time.monotonic()
        except BaseException:
            session.rollback()
            raise
        callbacks: list[Callable[[], object]] = session.info.pop("after_commit", [])
    for callback in callbacks:
        callback()


def seconds_since_commit() -> float:
    """Give how long ago this process committed something; infinity when it never did."""
    return time.monotonic() - _committed_at


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session that only reads; inside `reading_from`, from there."""
    source: Connection | None = getattr(_thread, "source", None)
    with Session(source or engine(), expire_on_commit=False) as session:
        yield session


def read_row(statement: Executable) -> RowMapping:
    """Execute one statement that reads one row: nothing around it, not even a transaction."""
    with engine().connect() as connection:
        if not is_sqlite():  # a third of the time
            connection.execution_options(isolation_level="AUTOCOMMIT")
        return connection.execute(statement).mappings().one()


@contextmanager
def reading_from(source: Connection) -> Iterator[None]:
    """Have `reading()` of this thread read by this connection; who writes is not affected."""
    _thread.source = source
    try:
        yield
    finally:
        _thread.source = None


def after_commit(session: Session, callback: Callable[[], object]) -> None:
    """Run a callback once this transaction is on disk."""
    session.info.setdefault("after_commit", []).append(callback)


def row_count(result: Result[Any]) -> int:
    """Count the rows a statement changed; SQLAlchemy types it only for the cursor's result."""
    return int(result.rowcount)  # type: ignore[attr-defined]


def insert(table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Start an INSERT that has ON CONFLICT on either database."""
    if is_sqlite():
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def _begin(session: Session, wait_s: float | None) -> None:
    options: dict[str, object] = {"trustsvc_write": True}
    if wait_s is None:
        session.connection(execution_options=options)
        return
    wait_ms = int(wait_s * 1000)
    try:
        session.connection(execution_options=options | {"trustsvc_wait_ms": wait_ms})
        if not is_sqlite():
            session.execute(text(f"SET LOCAL lock_timeout = {wait_ms}"))
            session.execute(text(f"SET LOCAL statement_timeout = {wait_ms}"))
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in SQLITE_BUSY:
            raise WriterBusy("lock", None, error) from None
        raise


@contextmanager
def exclusive_writer(wait_s: float | None = None) -> Iterator[None]:
    """Be the only writer on SQLite. Raises RuntimeError where this thread already writes.

    With `wait_s` raises WriterBusy when the lock is not free within that time.
    """
    if getattr(_thread, "is_writing", False):
        raise RuntimeError("a transaction inside a transaction would wait for itself for ever")
    _thread.is_writing = True
    try:
        with _file_lock(wait_s) if is_sqlite() else nullcontext():
            yield
    finally:
        _thread.is_writing = False


@contextmanager
def _file_lock(wait_s: float | None) -> Iterator[None]:
    path = Path(engine().url.database or "").with_suffix(".lock")
    until = time.monotonic() + (wait_s or 0)
    if not _write_lock.acquire(timeout=-1 if wait_s is None else wait_s):
        raise WriterBusy("lock", None, TimeoutError())
    try:
        try:
            handle = path.open("a")
        except OSError as error:  # a disk that is read-only or full, no file handle left
            raise OperationalError("lock", None, error) from None
        with handle:
            if wait_s is None:
                fcntl.flock(handle, fcntl.LOCK_EX)
            else:
                _flock_until(handle, until)
            yield
    finally:
        _write_lock.release()


def _flock_until(handle: IO[str], until: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise WriterBusy("lock", None, error) from None
            time.sleep(LOCK_POLL_S)
        else:
            return
