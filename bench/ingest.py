"""How many orders a second are on disk before their 202? `make bench-ingest`.

Starts the web process as `trustsvc web` does (one process), with a SQLite and with a PostgreSQL
database that sync each commit, and sends signed WooCommerce orders made beforehand. Beside it, in
the same rounds and on the same server and threads: a Flask hello, and a Flask view that enqueues
the order with RQ. Only wrong signatures are rate limited, so no limit has to be lifted.

ROUNDS, SECONDS and ORDERS (at most, a run) shorten it; OUT is where ingest.json goes.
"""

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue
from sqlalchemy import create_engine, func, select

from bench import load, results, services, yardsticks
from tests import servers
from trustsvc import clock
from trustsvc.demo import example_orders
from trustsvc.orders.models import orders

CONNECTIONS = (16, 64)
WARM_S = 0.5
MOST_PER_SECOND = 12_000  # so many orders are made beforehand for each second
DURABLE = ("fsync=on", "synchronous_commit=on", "shared_buffers=128MB", "max_connections=120")
HELLO, ENQUEUE, SQLITE, POSTGRESQL = "hello", "rq enqueue", "ours, SQLite", "ours, PostgreSQL"


def main() -> int:
    rounds, seconds = int(os.environ.get("ROUNDS") or 5), float(os.environ.get("SECONDS") or 2)
    most = int(os.environ.get("ORDERS") or MOST_PER_SECOND * seconds)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustsvc-bench-")))
        redis_url = stack.enter_context(contextlib.contextmanager(servers.redis)(folder))
        all_servers = dict(_start(stack, folder, redis_url))
        found: dict[tuple[str, int], list[load.Load]] = {}
        for number in range(rounds):
            for connections in CONNECTIONS:
                for name, server in all_servers.items():
                    if number == 0:
                        _run(server, connections, WARM_S, most)
                    seen = _run(server, connections, seconds, most)
                    found.setdefault((name, connections), []).append(seen)
                _empty_queue(redis_url)
        lost = {
            name: server.accepted - _stored(server)
            for name, server in all_servers.items()
            if server.shop and server.path != "/enqueue"
        }
    rows = [_row(found, name, connections) for name, connections in found]
    _print(rows, lost)
    results.write("ingest", list(_results(rows)), rows=rows, lost=lost, rounds=rounds)
    refused = any(row["other_answers"] for row in rows)
    return 1 if refused or any(lost.values()) else 0


def _start(
    stack: contextlib.ExitStack, folder: Path, redis_url: str
) -> Iterator[tuple[str, services.Server]]:
    urls = {SQLITE: f"sqlite:///{folder}/orders.db"}
    try:
        postgres = contextlib.contextmanager(servers.postgres)
        place = stack.enter_context(postgres(folder, DURABLE, on_disk=True))
        urls[POSTGRESQL], drop = servers.fresh_database(place)
        stack.callback(drop)
    except pytest.skip.Exception as missing:
        print(missing)
    plain = services.spawn(stack, ["-m", "bench.yardsticks"], {"REDIS_URL": redis_url}, "/hello")
    yield HELLO, plain
    ours = {}
    for name, url in urls.items():
        environ = {"TRUSTSVC_DATA": str(folder / name), "TRUSTSVC_REDIS_URL": redis_url}
        environ |= {"TRUSTSVC_DATABASE_URL": url}
        ours[name] = services.start_ours(stack, environ)
    yield ENQUEUE, services.Server(plain.port, plain.process, "/enqueue", ours[SQLITE].shop)
    yield from ours.items()


def _requests(server: services.Server, most: int) -> Iterator[bytes]:
    if server.path == "/hello":
        return iter([services.request("GET", "/hello", {}, b"")] * most)
    return iter(list(_orders(server, most)))


def _orders(server: services.Server, most: int) -> Iterator[bytes]:
    """Make signed orders, each with a number and a buyer of its own."""
    example = example_orders.example_order("woocommerce", clock.now())
    start = int(time.time() * 1000) * 100_000
    for number in range(start, start + most):
        body = example.body.replace(example.number.encode(), str(number).encode())
        headers = example_orders.signed_headers("woocommerce", server.shop["secret"], body)
        yield services.request("POST", server.path, headers, body)


def _run(server: services.Server, connections: int, seconds: float, most: int) -> load.Load:
    messages = _requests(server, int(most))
    seen = load.run(server.port, connections, messages, seconds, server.process.pid)
    server.accepted += seen.statuses.get(202, 0)
    return seen


def _stored(server: services.Server) -> int:
    """Count the orders in the database of a server."""
    url = server.shop["TRUSTSVC_DATABASE_URL"]
    made = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with contextlib.closing(made.connect()) as link:
        return int(link.execute(select(func.count()).select_from(orders)).scalar_one())


def _empty_queue(redis_url: str) -> None:
    Queue(yardsticks.QUEUE, connection=redis.Redis.from_url(redis_url)).empty()


def _row(
    found: dict[tuple[str, int], list[load.Load]], name: str, connections: int
) -> dict[str, Any]:
    """Summarise the rounds of one server: medians, and ratios of each round to its yardsticks."""
    runs = found[name, connections]
    good = 200 if name == HELLO else 202
    row: dict[str, Any] = {
        "name": name,
        "connections": connections,
        "rounds": len(runs),
        "per_second": round(statistics.median(one.per_second for one in runs)),
        "p99_ms": round(statistics.median(one.p99_ms for one in runs), 1),
        "cpu_us": round(statistics.median(one.cpu_us for one in runs)),
        "other_answers": sum(n for one in runs for code, n in one.statuses.items() if code != good),
    }
    for yardstick in (HELLO, ENQUEUE):
        beside = zip(runs, found[yardstick, connections], strict=True)
        ratios = [one.per_second / other.per_second for one, other in beside]
        row[f"x {yardstick}"] = round(middle := statistics.median(ratios), 3)
        row[f"spread {yardstick}"] = round((max(ratios) - min(ratios)) / middle, 2)
    return row


def _results(rows: list[dict[str, Any]]) -> Iterator[results.Result]:
    value = {(row["name"], row["connections"]): row["per_second"] for row in rows}
    for row in rows:
        for yardstick in (HELLO, ENQUEUE) if row["name"] in {SQLITE, POSTGRESQL} else ():
            yield results.Result(
                work=f"ingest, {row['name'].partition(', ')[2]}, {row['connections']} connections",
                unit="orders/s",
                ours=row["per_second"],
                yardstick=yardstick,
                theirs=value[yardstick, row["connections"]],
                ratio=row[f"x {yardstick}"],
                cpu_us=row["cpu_us"],
                rounds=row["rounds"],
                spread=row[f"spread {yardstick}"],
            )


def _print(rows: list[dict[str, Any]], lost: dict[str, int]) -> None:
    print("| what | connections | orders/s | p99 ms | CPU µs | x hello | x RQ | rounds | spread |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        spread = max(row[f"spread {HELLO}"], row[f"spread {ENQUEUE}"])
        cells = [
            *(row[key] for key in ("name", "connections", "per_second", "p99_ms", "cpu_us")),
            *(row[key] for key in (f"x {HELLO}", f"x {ENQUEUE}", "rounds")),
            f"{spread:.2f}" + (" (too wide)" if spread > results.WIDE else ""),
        ]
        print(f"| {' | '.join(map(str, cells))} |")
    for name, number in lost.items():
        print(f"{name}: {number} of the orders answered with 202 are not stored.")


if __name__ == "__main__":
    sys.exit(main())
