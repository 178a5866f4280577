"""Partition a table by month on PostgreSQL, while orders go on (docs/adr/0038-partitions.md).

What is stored before stays as it is, in one part that ends with the next month, or later where rows
are dated later.
"""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc import clock
from trustsvc.errors import Refused
from trustsvc.storage import db, partitions
from trustsvc.storage.columns import EPOCH

_COMMAND_LOCK = 8_061_704  # any number that no other advisory lock of ours has
_INDEXES = text("""
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE indrelid = to_regclass(:table) AND NOT indisprimary
""")
_FOREIGN_KEYS = text("""
SELECT conname AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE conrelid = to_regclass(:table) AND contype = 'f'
""")
_LEFTOVER = text("""
SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(:table) AND conname = :check)
OR EXISTS (SELECT FROM pg_index
    WHERE indrelid = to_regclass(:table) AND indexrelid = to_regclass(:index) AND NOT indisprimary)
""")


def partition(table: str) -> bool:
    """Partition a table by month; False when it is already, or on SQLite.

    Its rows are not copied: an index is built and a condition checked while others write, then the
    table is locked for a moment. If it fails, the index and the condition are dropped again; if it
    is killed, the next call or the next purge drops them. Until then rows that are dated later than
    the next month are refused.

    Raises OperationalError when the table was in use for two seconds, IntegrityError when a row
    dated later still came meanwhile: repeat it. Raises Refused behind a connection pooler, and
    while another call runs.
    """
    if db.is_sqlite():
        return False
    db.require_direct()
    with _outside() as connection:
        alone = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_COMMAND_LOCK})")
        if not alone.scalar_one():
            raise Refused("A table is being partitioned already: wait for that one.")
        if partitions.is_partitioned(table):
            return False
        try:
            end = _prepare(connection, table)
            with partitions.changing_parts() as change:
                _replace(change, table, end)
        except BaseException:
            with contextlib.suppress(SQLAlchemyError):  # in use: the next purge does it
                _drop_leftover(table)
            raise
    partitions.make_ahead(clock.now())
    return True


def leftovers(session: Session) -> list[str]:
    """Name the tables with the index or the condition of a call that was killed, or that runs."""
    if db.is_sqlite():
        return []
    found = []
    for table in partitions.BY_MONTH:
        values = {"table": table, "check": _check(table), "index": _index(table)}
        if session.scalar(_LEFTOVER, values):
            found.append(table)
    return found


def drop_leftovers() -> None:
    """Drop what a killed call left; leaves it to a call that runs. Safe to repeat.

    Raises OperationalError when the table was in use for two seconds.
    """
    with db.reading() as session:
        found = leftovers(session)
    for table in found:
        _drop_leftover(table, unless_running=True)


def _prepare(connection: Connection, table: str) -> int:
    """Build the index and check the condition that make it quick; gives the first part's end."""
    run = connection.exec_driver_sql
    run(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_check(table)}")
    run(f"DROP INDEX CONCURRENTLY IF EXISTS {_index(table)}")
    run(f"CREATE UNIQUE INDEX CONCURRENTLY {_index(table)} ON {table} (id, at)")
    end = _first_end(connection, table)  # now: the index may have taken hours
    run(f"ALTER TABLE {table} ADD CONSTRAINT {_check(table)} CHECK (at < {end}) NOT VALID")
    run(f"ALTER TABLE {table} VALIDATE CONSTRAINT {_check(table)}")
    return end


def _first_end(connection: Connection, table: str) -> int:
    """Give the end of next month, or of the last month that a row is dated in."""
    newest = connection.exec_driver_sql(f"SELECT max(at) FROM {table}").scalar() or 0  # noqa: S608 - a name of ours
    after_newest = partitions.month_start(EPOCH + timedelta(milliseconds=newest), 1)
    return max(partitions.month_start(clock.now(), 2), after_newest)


def _replace(connection: Connection, table: str, end: int) -> None:
    """Put a partitioned table in the place of one, which becomes its first part."""
    run = connection.exec_driver_sql
    before, unique = f"{table}_before", _index(table)
    partitions.lock_referenced(connection, table, "ACCESS EXCLUSIVE")
    run(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    indexes = connection.execute(_INDEXES, {"table": table}).all()
    keys = connection.execute(_FOREIGN_KEYS, {"table": table}).all()
    run(f"ALTER TABLE {table} RENAME TO {before}")
    run(f"ALTER TABLE {before} DROP CONSTRAINT pk_{table}")
    run(f"ALTER TABLE {before} ADD CONSTRAINT {unique} PRIMARY KEY USING INDEX {unique}")
    run(f"CREATE TABLE {table} (LIKE {before} INCLUDING DEFAULTS) PARTITION BY RANGE (at)")
    run(f"ALTER SEQUENCE {table}_id_seq OWNED BY {table}.id")
    run(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (id, at)")
    for one in indexes:
        if one.name != unique:
            run(f"ALTER INDEX {one.name} RENAME TO {one.name}_before")
            run(one.definition)
    for one in keys:
        run(f"ALTER TABLE {table} ADD CONSTRAINT {one.name} {one.definition}")
    run(f"ALTER TABLE {table} ATTACH PARTITION {before} FOR VALUES FROM (MINVALUE) TO ({end})")
    run(f"CREATE TABLE {table}_other PARTITION OF {table} DEFAULT")


def _drop_leftover(table: str, *, unless_running: bool = False) -> None:
    with partitions.changing_parts() as connection:
        if unless_running:
            alone = connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_COMMAND_LOCK})")
            if not alone.scalar_one():
                return
        values = {"table": table, "check": _check(table), "index": _index(table)}
        if connection.scalar(_LEFTOVER, values):
            run = connection.exec_driver_sql
            run(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_check(table)}")
            run(f"DROP INDEX IF EXISTS {_index(table)}")


def _check(table: str) -> str:
    return f"ck_{table}_before_end"


def _index(table: str) -> str:
    return f"pk_{table}_before"


@contextmanager
def _outside() -> Iterator[Connection]:
    """Open a connection without a transaction; it is discarded afterwards, its settings too."""
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
    with db.engine().connect().execution_options(**options) as connection:
        connection.exec_driver_sql(f"SET lock_timeout = {partitions.LOCK_WAIT_MS}")
        try:
            yield connection
        finally:
            connection.invalidate()
