"""How long do writers wait while deleted data is overwritten? `make bench-waiting`.

Fills a database, deletes a line in fifty of the decision log, then runs in a process of its own
what the hourly purge ends with, and what the nightly one does. Meanwhile an order is stored each
50 ms: the longest of these commits is what a shop's webhook would have waited.

ROWS (numbers of orders with commas between) and DATABASE (sqlite, postgresql) shorten it; OUT is
where waiting.json goes.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bench import filled_database, results
from tests.invitations import sample_orders
from trustsvc import clock, message_kinds
from trustsvc.storage import db, vacuum

ROWS = (13_000, 50_000, 500_000)
EVERY_S = 0.05
ALONE_S = 3.0
REBUILD = """
import sys
from trustsvc.storage import vacuum
sys.exit(not vacuum.rebuild(%s))
"""


def main() -> int:
    sizes = [int(one) for one in (os.environ.get("ROWS") or "").split(",") if one] or list(ROWS)
    message_kinds.register()
    named = os.environ.get("DATABASE")
    lines: list[dict[str, Any]] = []
    for database in [named] if named else ["sqlite", "postgresql"]:
        with contextlib.ExitStack() as stack:
            try:
                environ = filled_database.start_servers(stack, database)
            except pytest.skip.Exception as missing:
                print(missing)
                continue
            for size in sizes:
                lines += _measure(database, environ, size)
    _print(lines)
    results.write("waiting", list(_results(lines)), lines=lines)
    return 0


def _measure(database: str, environ: dict[str, str], size: int) -> Iterator[dict[str, Any]]:
    with filled_database.installation(environ, size) as own, clock.at(sample_orders.NOON):
        shop = filled_database.fill(size, 10)
        vacuum.scrub()
        line = {"database": database, "orders": size, "bytes": _size()}
        yield line | {"what": "nothing"} | _waits(shop, lambda: time.sleep(ALONE_S))
        for what, options in (("hourly", "with_large=False"), ("nightly", "with_large=True")):
            _delete()
            yield line | {"what": what} | _waits(shop, lambda o=options: _rebuild(o, own))  # type: ignore[misc]


def _size() -> int:
    with db.reading() as session:
        if db.is_sqlite():
            pages = session.scalar(text("PRAGMA page_count")) or 0
            return int(pages * (session.scalar(text("PRAGMA page_size")) or 0))
        return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def _delete() -> None:
    with db.transaction() as session:
        session.execute(text("DELETE FROM decision_log WHERE (id / 1000 + id) % 50 = 0"))
        session.execute(text("DELETE FROM events WHERE (id / 1000 + id) % 50 = 0"))


def _rebuild(options: str, own: dict[str, str]) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")} | own
    done = subprocess.run([sys.executable, "-c", REBUILD % options], check=False, env=environ)
    if done.returncode:
        print("It was held up, and is to be repeated.")


def _waits(shop: Any, run: Callable[[], object]) -> dict[str, float]:
    """Store an order each 50 ms while something runs; gives seconds."""
    took: list[float] = []
    refused: list[float] = []  # a lock was not to be had in ten seconds: a webhook's answer is 503
    is_over = threading.Event()

    def store() -> None:
        while not is_over.wait(EVERY_S):
            began = time.perf_counter()
            try:
                sample_orders.place_many(shop, ["jan@mail.example"])
            except OperationalError:
                refused.append(began)
            took.append(time.perf_counter() - began)

    writer = threading.Thread(target=store)
    writer.start()
    began = time.perf_counter()
    run()
    seconds = time.perf_counter() - began
    is_over.set()
    writer.join()
    return {
        "seconds": round(seconds, 2),
        "longest": round(max(took), 3),
        "median": round(statistics.median(took), 4),
        "commits": len(took) - len(refused),
        "refused": len(refused),
    }


def _results(lines: list[dict[str, Any]]) -> Iterator[results.Result]:
    for one in lines:
        if one["what"] == "nothing":
            alone = one["longest"]
            continue
        yield results.Result(
            work=f"longest commit, overwriting {one['what']}, {one['database']}, "
            f"{one['bytes'] / 1e6:.0f} MB",
            unit="s",
            ours=one["longest"],
            yardstick="without it",
            theirs=alone,
            ratio=round(one["longest"] / alone, 2),
            rounds=one["commits"],
        )


def _print(lines: list[dict[str, Any]]) -> None:
    heads = "it took, s | longest commit, s | median, ms | commits | refused"
    print(f"| database | MB | what runs | {heads} |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    for one in lines:
        cells = [
            one["database"],
            f"{one['bytes'] / 1e6:.0f}",
            one["what"],
            *(one["seconds"], one["longest"], f"{one['median'] * 1000:.1f}", one["commits"]),
            one["refused"],
        ]
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    sys.exit(main())
