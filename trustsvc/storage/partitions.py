"""Months of a table that is partitioned on PostgreSQL: made ahead, and dropped when they are past.

Only of tables that nothing references, that are appended to and go by age alone
(docs/adr/0038-partitions.md). How a table becomes one of these: partitioning.py.

Who changes parts holds one advisory lock, so that two at once wait for each other and look again.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from trustsvc.storage import db
from trustsvc.storage.columns import EPOCH

BY_MONTH = ("decision_log", "events")
MONTHS_AHEAD = 2
LOCK_WAIT_MS = 2_000  # for the first lock; whoever comes after us waits as long
# For a lock while we hold one: less than PostgreSQL's deadlock_timeout, so we end and not an order.
NEXT_LOCK_WAIT_MS = 500
_CHANGES_LOCK = 8_061_703  # any number that no other advisory lock of ours has
_PARTS = text("""
SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
WHERE inhparent = to_regclass(:table) ORDER BY c.relname
""")
_REFERENCED = text("""
SELECT DISTINCT confrelid::regclass::text
FROM pg_constraint WHERE conrelid = to_regclass(:table) AND contype = 'f'
""")
_BOUNDS = re.compile(r"FROM \((?:'(-?\d+)'|MINVALUE)\) TO \('(\d+)'\)")


@dataclass(frozen=True, slots=True)
class MonthPart:
    """Rows from `first` on (None: from the beginning) and before `end`, in milliseconds."""

    name: str
    first: int | None
    end: int


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
    # One that is being dropped has no bounds any more.
    found = [(row.name, _BOUNDS.search(row.bounds or "")) for row in rows]
    known = [MonthPart(n, int(m[1]) if m[1] else None, int(m[2])) for n, m in found if m]
    return sorted(known, key=lambda one: one.end)


def make_ahead(now: datetime) -> None:
    """Make the parts of this month and the next two of each partitioned table. Safe to repeat.

    Raises OperationalError when one was in use for two seconds.
    """
    for table in filter(is_partitioned, BY_MONTH):
        for ahead in range(MONTHS_AHEAD + 1):
            start, end = month_start(now, ahead), month_start(now, ahead + 1)
            if not any(start < one.end for one in parts(table) if one.first is None):
                name = f"{table}_{EPOCH + timedelta(milliseconds=start):%Y_%m}"
                if name not in {one.name for one in parts(table)}:
                    _make(table, name, start, end)


def past_parts(table: str, cutoff: datetime) -> list[str]:
    """Name the parts that end at the cutoff or before, oldest first."""
    return [one.name for one in parts(table) if one.end <= _milliseconds(cutoff)]


def drop_part(session: Session, table: str, name: str) -> int:
    """Drop one part of a table; gives how many rows it had, 0 when it is gone already.

    Raises OperationalError when it was in use for two seconds.
    """
    connection = session.connection()
    run = connection.exec_driver_sql
    wait_for_turn(connection)
    if not _exists(connection, name):
        return 0
    run(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
    wait_shorter(connection)
    run(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")
    gone = int(run(f"SELECT count(*) FROM {name}").scalar_one())  # noqa: S608 - a name of ours
    run(f"DROP TABLE {name}")
    return gone


@contextmanager
def changing_parts() -> Iterator[Connection]:
    """Open a transaction in which nobody else changes parts; it waits two seconds for a lock."""
    with db.engine().begin() as connection:
        wait_for_turn(connection)
        yield connection


def wait_for_turn(connection: Connection) -> None:
    """Be the only one that changes parts until this transaction ends."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CHANGES_LOCK})")


def lock_referenced(connection: Connection, table: str, mode: str) -> None:
    """Lock the tables that a table references before itself, in the order that writers use."""
    for name in connection.scalars(_REFERENCED, {"table": table}).all():
        connection.exec_driver_sql(f"LOCK TABLE {name} IN {mode} MODE")
        wait_shorter(connection)


def wait_shorter(connection: Connection) -> None:
    """Wait for locks no longer than PostgreSQL takes to look for a deadlock."""
    wait = min(NEXT_LOCK_WAIT_MS, LOCK_WAIT_MS)
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {wait}")


def month_start(now: datetime, ahead: int) -> int:
    """Give the first moment of the month so many after this one, UTC, in milliseconds."""
    number = now.year * 12 + now.month - 1 + ahead
    return _milliseconds(EPOCH.replace(year=number // 12, month=number % 12 + 1))


def _make(table: str, name: str, start: int, end: int) -> None:
    """Make the part of a month, with what came early for it: a clock was ahead, or we were late."""
    with changing_parts() as connection:
        run = connection.exec_driver_sql
        if _exists(connection, name):
            return
        lock_referenced(connection, table, "SHARE ROW EXCLUSIVE")
        run(f"LOCK TABLE {table}_other IN ACCESS EXCLUSIVE MODE")
        wait_shorter(connection)
        run(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        run(
            f"WITH moved AS (DELETE FROM {table}_other WHERE at >= {start} AND at < {end} "  # noqa: S608 - names of ours
            f"RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        )
        bounds = f"FOR VALUES FROM ({start}) TO ({end})"
        run(f"ALTER TABLE {table} ATTACH PARTITION {name} {bounds}")


def _exists(connection: Connection, name: str) -> bool:
    # From pg_class: to_regclass alone may answer from before we had our turn.
    found = text("SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(:name))")
    return bool(connection.scalar(found, {"name": name}))


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
