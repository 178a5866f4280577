"""How many bytes does a row take, with its indexes? `make bench-sizes`.

Fills a database with a history, and asks it how large each table is: SQLite's dbstat, PostgreSQL's
pg_total_relation_size. A delivery of a webhook is written for each order.

ROWS (of orders) and DATABASE (sqlite, postgresql; both without it) shorten it; OUT is where
sizes.json goes.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from bench import filled_database, results
from tests.invitations import sample_orders
from trustsvc import clock, message_kinds
from trustsvc.storage import db

ORDERS = 50_000
ANSWERED = 10  # of so many orders one has a review
TABLES = (
    *("orders", "decision_log", "deliveries", "invitations", "messages", "events"),
    *("reviews", "publications"),
)


def main() -> int:
    message_kinds.register()
    size = int(os.environ.get("ROWS") or ORDERS)
    named = os.environ.get("DATABASE")
    found: list[results.Result] = []
    for database in [named] if named else ["sqlite", "postgresql"]:
        with contextlib.ExitStack() as stack:
            try:
                environ = filled_database.start_servers(stack, database)
            except pytest.skip.Exception as missing:
                print(missing)
                continue
            stack.enter_context(filled_database.installation(environ, size))
            stack.enter_context(clock.at(sample_orders.NOON))
            filled_database.fill(size, ANSWERED)
            _deliver(size)
            found += _sizes(database, size)
    print(results.table(found))
    results.write("sizes", found, orders=size, answered=ANSWERED)
    return 0


def _deliver(number: int) -> None:
    random = "randomblob(16)" if db.is_sqlite() else "decode(md5(random()::text), 'hex')"
    with db.transaction() as session:
        session.execute(
            text(
                "INSERT INTO deliveries (shop_id, delivery_hash, body_hash, at) "
                "WITH RECURSIVE n(value) AS "
                "(SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < :number) "
                f"SELECT 1, {random}, {random}, CAST(:at AS BIGINT) + value FROM n"
            ),
            {"number": number, "at": int(sample_orders.NOON.timestamp() * 1000)},
        )


def _sizes(database: str, size: int) -> Iterator[results.Result]:
    with db.reading() as session:
        for table in TABLES:
            query = (
                "SELECT sum(pgsize) FROM dbstat WHERE name IN "
                "(SELECT name FROM sqlite_schema WHERE tbl_name = :table)"
                if db.is_sqlite()
                else "SELECT pg_total_relation_size(to_regclass(:table))"
            )
            whole = int(session.scalar(text(query), {"table": table}) or 0)
            rows = session.scalar(text(f"SELECT count(*) FROM {table}")) or 0
            yield results.Result(
                work=f"{table}, {database}, {rows / size:.1f} rows an order",
                unit="bytes a row",
                ours=round(whole / rows),
            )


if __name__ == "__main__":
    sys.exit(main())
