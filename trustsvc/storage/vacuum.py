"""Remove the copies of deleted rows that a database keeps in its files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import OperationalError

from trustsvc.storage import connections, db

SMALL_BYTES = 64 * 1024 * 1024
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL, appendix A


def scrub() -> bool:
    """Truncate SQLite's write-ahead log; run a plain VACUUM on PostgreSQL.

    secure_delete overwrites freed pages, but their text stays in the -wal file until a truncating
    checkpoint. Harmless when repeated. False when a reader holds the log, or somebody holds a table
    on PostgreSQL: to be repeated later.
    """
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if db.is_sqlite():
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            return not busy
        try:
            return _vacuum(connection)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            return False


def rebuild() -> bool:
    """Rewrite the whole database, so that no page keeps a copy of a deleted row, then scrub.

    secure_delete overwrites the deleted row, but not the copies that SQLite left behind when it
    moved the row between pages (one row in some hundreds, tests/storage/test_vacuum.py);
    PostgreSQL's plain VACUUM overwrites nothing. Writers wait meanwhile: for small databases, or at
    night. False when it could not get its lock or the disk is full: to be repeated later. Through a
    connection pooler no time-out can be set for it, so a table in use is left out: False, too.
    """
    with db.exclusive_writer():
        try:
            whole = _rebuild()
        except OperationalError:
            whole = False
    return scrub() and whole


def is_small() -> bool:
    """Say whether a rebuild takes no longer than about a second."""
    if db.is_sqlite():
        return Path(db.engine().url.database or "").stat().st_size <= SMALL_BYTES
    with db.engine().connect() as connection:
        size = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
        return int(size.scalar_one()) <= SMALL_BYTES


def _rebuild() -> bool:
    with _outside_transactions() as connection:
        if db.is_sqlite():
            # The copy that VACUUM writes must not lie on another disk than the database.
            folder = str(Path(db.engine().url.database or "").resolve().parent).replace("'", "''")
            connection.exec_driver_sql(f"PRAGMA temp_store_directory = '{folder}'")
            connection.exec_driver_sql("VACUUM")
            return True
        if not connection.info.get(connections.POOLED):
            connection.exec_driver_sql(
                f"SET lock_timeout = {int(connections.LOCK_TIMEOUT_S * 500)}"
            )
        # ANALYZE too: PostgreSQL keeps samples of a column beside the table.
        return _vacuum(connection, "FULL", "ANALYZE")


def _vacuum(connection: Connection, *options: str) -> bool:
    """Run VACUUM on PostgreSQL; False where a pooler kept us from waiting for a table in use.

    Of the server's own tables only the samples of ours (pg_statistic) hold anything of a row: to
    leave the others out takes a third of the time.
    """
    left_out: list[str] = []
    if connection.info.get(connections.POOLED):
        options = (*options, "SKIP_LOCKED")
        raw: Any = connection.connection.driver_connection
        raw.add_notice_handler(lambda notice: left_out.append(notice.sqlstate))
    if not options:
        connection.exec_driver_sql("VACUUM")
        return True
    # By name also because of a table that is not named it does not say that it was left out.
    names = ", ".join([*inspect(connection).get_table_names(), "pg_statistic"])
    connection.exec_driver_sql(f"VACUUM ({', '.join(options)}) {names}")
    return LOCK_NOT_AVAILABLE not in left_out


@contextmanager
def _outside_transactions() -> Iterator[Connection]:
    """Open a connection without a transaction; it is discarded afterwards, its settings too."""
    options = {"isolation_level": "AUTOCOMMIT", "trustsvc_no_transaction": True}
    with db.engine().connect().execution_options(**options) as connection:
        try:
            yield connection
        finally:
            connection.invalidate()
