"""Engines, sessions and transactions: SQLite by default, PostgreSQL for larger installations.

`transaction()` is the only way to write. On SQLite one process writes at a time, by an flock
(SQLite's own waiting pauses for up to a second under load). After the commit it runs what was
passed to `after_commit`, such as enqueuing jobs.
"""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Result, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.storage import connections

_engines: dict[str, Engine] = {}
_write_lock = threading.Lock()
_thread = threading.local()


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

    Callbacks of `after_commit` run after the commit, and never after a rollback. Raises
    RuntimeError inside another transaction: use cases take the session they are given.
    """
    with exclusive_writer(), Session(engine(), expire_on_commit=False) as session:
        session.connection(execution_options={"trustsvc_write": True})
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        callbacks: list[Callable[[], object]] = session.info.pop("after_commit", [])
    for callback in callbacks:
        callback()


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session that only reads."""
    with Session(engine(), expire_on_commit=False) as session:
        yield session


def after_commit(session: Session, callback: Callable[[], object]) -> None:
    """Run a callback once this transaction is on disk."""
    session.info.setdefault("after_commit", []).append(callback)


def row_count(result: Result[Any]) -> int:
    """Count the rows a statement changed; SQLAlchemy types it only for the cursor's result."""
    return int(result.rowcount)  # type: ignore[attr-defined]


def insert(table: Table) -> postgresql.Insert | sqlite.Insert:
    """Start an INSERT that has ON CONFLICT on either database."""
    return sqlite.insert(table) if is_sqlite() else postgresql.insert(table)


@contextmanager
def exclusive_writer() -> Iterator[None]:
    """Be the only writer on SQLite. Raises RuntimeError where this thread already writes."""
    if getattr(_thread, "is_writing", False):
        raise RuntimeError("a transaction inside a transaction would wait for itself for ever")
    _thread.is_writing = True
    try:
        with _file_lock() if is_sqlite() else nullcontext():
            yield
    finally:
        _thread.is_writing = False


@contextmanager
def _file_lock() -> Iterator[None]:
    path = Path(engine().url.database or "").with_suffix(".lock")
    with _write_lock:
        try:
            handle = path.open("a")
        except OSError as error:  # a disk that is read-only or full, no file handle left
            raise OperationalError("lock", None, error) from None
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
