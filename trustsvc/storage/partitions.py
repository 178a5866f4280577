"""Tables by month on PostgreSQL: months made ahead, and dropped whole when they are past.

Only of tables that nothing references, that are appended to and go by age alone
(docs/adr/0038-partitions.md). What is stored before a table is partitioned stays as it is, in one
part that ends with the next month.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from trustsvc.storage import db
from trustsvc.storage.columns import EPOCH

BY_MONTH = ("decision_log", "events")
MONTHS_AHEAD = 2
LOCK_WAIT_MS = 2_000  # for the table; whoever comes after us waits as long
_PARTS = text("""
SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
WHERE inhparent = to_regclass(:table) ORDER BY c.relname
""")
_INDEXES = text("""
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE indrelid = to_regclass(:table) AND NOT indisprimary
""")
_FOREIGN_KEYS = text("""
SELECT conname AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE conrelid = to_regclass(:table) AND contype = 'f'
""")
_BOUNDS = re.compile(r"FROM \((?:'(-?\d+)'|MINVALUE)\) TO \('(\d+)'\)")


@dataclass(frozen=True, slots=True)
class MonthPart:
    """Rows from `first` on (None: from the beginning) and before `end`, in milliseconds."""

    name: str
    first: int | None
    end: int


def partition(table: str, now: datetime) -> bool:
    """Partition a table by month; False when it is already, or on SQLite.

    Its rows are not copied: an index is built and a condition checked while others write, then the
    table is locked for a moment. Killed midway, the next call goes on. Raises OperationalError
    when the table was in use for two seconds.
    """
    if db.is_sqlite() or is_partitioned(table):
        return False
    end = _milliseconds(_month(now, 1))
    before, unique = f"{table}_before", f"pk_{table}_before"
    with _outside() as connection:
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {unique}")
        connection.exec_driver_sql(f"CREATE UNIQUE INDEX CONCURRENTLY {unique} ON {table} (id, at)")
        check = f"ck_{before}_end"
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}")
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK (at < {end}) NOT VALID"
        )
        connection.exec_driver_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")
    with _inside() as connection:
        _replace(connection, table, before, unique, end)
    make_ahead(now)
    return True


def is_partitioned(table: str) -> bool:
    if db.is_sqlite():
        return False
    with db.reading() as session:
        kind = text("SELECT relkind FROM pg_class WHERE oid = to_regclass(:table)")
        return bool(session.scalar(kind, {"table": table}) == "p")


def parts(table: str) -> list[MonthPart]:
    """List the parts of a table that have an end, oldest first."""
    with db.reading() as session:
        rows = session.execute(_PARTS, {"table": table}).all()
    found = [(row.name, _BOUNDS.search(row.bounds)) for row in rows]
    known = [MonthPart(n, int(m[1]) if m[1] else None, int(m[2])) for n, m in found if m]
    return sorted(known, key=lambda one: one.end)


def make_ahead(now: datetime) -> None:
    """Make the parts of this month and the next two of each partitioned table. Safe to repeat."""
    for table in filter(is_partitioned, BY_MONTH):
        for ahead in range(MONTHS_AHEAD + 1):
            start, end = _month(now, ahead), _month(now, ahead + 1)
            if not any(_milliseconds(start) < one.end for one in parts(table) if one.first is None):
                name = f"{table}_{start:%Y_%m}"
                if name not in {one.name for one in parts(table)}:
                    _make(table, name, _milliseconds(start), _milliseconds(end))


def drop_past(session: Session, table: str, cutoff: datetime) -> int:
    """Drop the parts that end at the cutoff or before; gives how many rows they had.

    Raises OperationalError when one was in use for two seconds.
    """
    past = [one.name for one in parts(table) if one.end <= _milliseconds(cutoff)]
    if not past:
        return 0
    gone, run = 0, session.connection().exec_driver_sql
    run(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
    for name in past:
        run(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
        gone += int(run(f"SELECT count(*) FROM {name}").scalar_one())  # noqa: S608 - a name of ours
        run(f"DROP TABLE {name}")
    return gone


def _replace(connection: Connection, table: str, before: str, unique: str, end: int) -> None:
    """Put a partitioned table in the place of one, which becomes its first part."""
    run = connection.exec_driver_sql
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


def _make(table: str, name: str, start: int, end: int) -> None:
    """Make the part of a month, with what came early for it: a clock was ahead, or we were late."""
    with _inside() as connection:
        run = connection.exec_driver_sql
        run(f"LOCK TABLE {table}_other IN ACCESS EXCLUSIVE MODE")
        run(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        run(
            f"WITH moved AS (DELETE FROM {table}_other WHERE at >= {start} AND at < {end} "  # noqa: S608 - names of ours
            f"RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        )
        bounds = f"FOR VALUES FROM ({start}) TO ({end})"
        run(f"ALTER TABLE {table} ATTACH PARTITION {name} {bounds}")


@contextmanager
def _inside() -> Iterator[Connection]:
    with db.engine().begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
        yield connection


@contextmanager
def _outside() -> Iterator[Connection]:
    """Open a connection without a transaction; it is discarded afterwards, its settings too."""
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
    with db.engine().connect().execution_options(**options) as connection:
        connection.exec_driver_sql(f"SET lock_timeout = {LOCK_WAIT_MS}")
        try:
            yield connection
        finally:
            connection.invalidate()


def _month(now: datetime, ahead: int) -> datetime:
    """Give the first moment of the month so many after this one, in UTC."""
    number = now.year * 12 + now.month - 1 + ahead
    return EPOCH.replace(year=number // 12, month=number % 12 + 1)


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
