"""Remove the copies of deleted rows that a database keeps in its files."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from trustsvc.storage import connections, db, unallocated_space

TINY_TABLE_BYTES = 512 * 1024  # with its indexes; some thirty tables, rewritten in one statement
SMALL_TABLE_BYTES = 32 * 1024 * 1024  # rewritten in some tenths of a second
SMALL_FILE_BYTES = 1024 * 1024 * 1024  # read in some seconds, while nobody waits
MAX_WAIT_MS = 500  # for a table, by us: whoever comes after us waits as long
TABLE_PAUSE_S = 0.05  # between two tables: whoever waited for the first gets through
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL, appendix A
# Of the server's own tables only the samples of ours (pg_statistic) hold anything of a row. Sizes,
# with indexes, are as of the last VACUUM: a function that measures them waits for whoever has the
# table.
TABLES_BY_SIZE = text("""
SELECT c.oid::regclass::text AS name,
       current_setting('block_size')::bigint * (c.relpages + coalesce(toast.relpages, 0)
           + (SELECT coalesce(sum(i.relpages), 0)
              FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid
              WHERE indrelid IN (c.oid, c.reltoastrelid))) AS bytes
FROM pg_class AS c LEFT JOIN pg_class AS toast ON toast.oid = c.reltoastrelid
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
   OR c.oid = 'pg_statistic'::regclass
ORDER BY bytes, name
""")


def scrub() -> bool:
    """Truncate SQLite's write-ahead log; run a plain VACUUM on PostgreSQL.

    secure_delete overwrites freed pages, but their text stays in the -wal file until a truncating
    checkpoint. Harmless when repeated. False when a reader holds the log, or somebody holds a table
    on PostgreSQL: to be repeated later.
    """
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if db.is_sqlite():
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")  # nobody waits for it
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            return not busy
        tables = [one.name for one in connection.execute(TABLES_BY_SIZE)]
        # Helpers would be started for each large table, even where nothing is to be done.
        return _vacuum(connection, tables, "PARALLEL 0")


def rebuild(*, with_large: bool) -> bool:
    """Leave no copy of a deleted row in any page, then scrub.

    SQLite's file is overwritten where nothing lies, in steps (unallocated_space.py): writers wait
    for one step at most. A plain VACUUM of PostgreSQL overwrites nothing, so its tables are
    rewritten, one after another, and who needs one waits for that one. Without `with_large` large
    tables, and a large SQLite file, are left alone. False when something was in use or the disk is
    full: to be repeated later.
    """
    try:
        whole = _overwrite(with_large) if db.is_sqlite() else _rewrite_tables(with_large)
    except OperationalError:
        whole = False
    return scrub() and whole


def _overwrite(with_large: bool) -> bool:
    size = Path(db.engine().url.database or "").stat().st_size
    if size > SMALL_FILE_BYTES and not with_large:
        return True
    return unallocated_space.overwrite()


def _rewrite_tables(with_large: bool) -> bool:
    whole = True
    with db.exclusive_writer(), _discarded_connection() as connection:
        if not connection.info.get(connections.POOLED):
            connection.exec_driver_sql(f"SET lock_timeout = {MAX_WAIT_MS}")
        most = math.inf if with_large else SMALL_TABLE_BYTES
        tables = [row for row in connection.execute(TABLES_BY_SIZE) if row.bytes <= most]
        tiny = [row.name for row in tables if row.bytes <= TINY_TABLE_BYTES]
        one_by_one = [row.name for row in tables if row.bytes > TINY_TABLE_BYTES]
        if tiny and not _rewrite(connection, tiny):  # the rest is not tried after one in use
            one_by_one = [*tiny, *one_by_one]
        for name in one_by_one:
            whole = _rewrite(connection, [name]) and whole
            time.sleep(TABLE_PAUSE_S)
    return whole


def _rewrite(connection: Connection, tables: list[str]) -> bool:
    """Rewrite tables, each in a transaction of its own, and the samples of their columns."""
    return _vacuum(connection, tables, "FULL", "ANALYZE")


def _vacuum(connection: Connection, tables: list[str], *options: str) -> bool:
    """Run VACUUM on PostgreSQL; False where a table was in use.

    Through a connection pooler no time-out can be set for it, so it does not wait at all.
    """
    left_out: list[str] = []
    if connection.info.get(connections.POOLED):
        options = (*options, "SKIP_LOCKED")
        raw: Any = connection.connection.driver_connection
        raw.add_notice_handler(lambda notice: left_out.append(notice.sqlstate))
    try:
        # By name: of a table that is not named it does not say that it was left out.
        connection.exec_driver_sql(f"VACUUM ({', '.join(options)}) {', '.join(tables)}")
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    return LOCK_NOT_AVAILABLE not in left_out


@contextmanager
def _discarded_connection() -> Iterator[Connection]:
    """Open a connection without a transaction; it is discarded afterwards, its settings too."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            yield connection
        finally:
            connection.invalidate()
