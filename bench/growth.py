"""What does anything cost more because history grew? `make bench-growth`.

Fills a database with 10,000, 100,000 and a million orders, as many invitations and messages, and a
tenth as many published reviews. Then times each scheduled job with nothing to do, the lease of 500
due messages, an hourly purge of 1,000 due rows, and the pages that list or count. On PostgreSQL CPU
is that of our process alone; the server's is in the time by the clock.

ROWS (numbers with commas between), RUNS and DATABASE (sqlite, postgresql; both without it) shorten
it; OUT is where growth.json goes. Exits with 1 when a job with nothing to do grew.
"""

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from bench import filled_database, results
from jobs import schedule
from tests.invitations import sample_orders
from tests.staff import signed_in_staff
from trustsvc import clock
from trustsvc.app import create_app
from trustsvc.mail.outbox import due, kinds, lease
from trustsvc.orders.models import decisions
from trustsvc.storage import db

ROWS = (10_000, 100_000, 1_000_000)
ANSWERED = 10  # of so many orders one has a review
RUNS = int(os.environ.get("RUNS") or 7)
DUE = 500
EXPIRED = 1000
MAX_GROWTH = 1.2
NOISE_MS = 1.0  # less than this is no growth


class Undo(Exception):
    """Rolls back what was timed, so that it can be timed again."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The least of some runs, in milliseconds: others use the machine too."""

    wall: float
    cpu: float
    spread: float


def main() -> int:
    sizes = [int(one) for one in (os.environ.get("ROWS") or "").split(",") if one] or list(ROWS)
    named = os.environ.get("DATABASE")
    result: dict[str, dict[int, dict[str, Cost]]] = {}
    for database in [named] if named else ["sqlite", "postgresql"]:
        with contextlib.ExitStack() as stack:
            try:
                environ = filled_database.start_servers(stack, database)
            except pytest.skip.Exception as missing:
                print(missing)
                continue
            result[database] = {size: _measure(database, environ, size) for size in sizes}
        _print(database, result[database])
    results.write("growth", list(_results(result)), databases=_plain(result))
    return 1 if any(_grown(one) for one in result.values()) else 0


def _measure(database: str, environ: dict[str, str], size: int) -> dict[str, Cost]:
    began = time.monotonic()
    installed = filled_database.installation(environ, size)
    with installed, clock.at(sample_orders.NOON), sample_orders.quiet():
        filled_database.fill(size, ANSWERED)
        print(f"{database}: {size} orders after {time.monotonic() - began:.0f} s", flush=True)
        seen = dict(_timed())
    print(f"{database}: {size} orders, measured after {time.monotonic() - began:.0f} s", flush=True)
    return seen


def _timed() -> Iterator[tuple[str, Cost]]:
    client = create_app().test_client()
    signed_in_staff.sign_in(client)
    jobs = {one.job: _job(one.job) for one in schedule.SCHEDULE}
    for _ in range(2):  # till nothing is left to do
        for run in jobs.values():
            run()
    for name, run in jobs.items():
        yield name, _cost(run)
    yield "is anything due", _cost(_ask_in_vain)
    yield "lease, nothing due", _cost(lambda: _lease(0))
    for path in ("/desk/", "/desk/orders/bakfiets-co", "/s/bakfiets-co", "/desk/requests"):
        yield path, _cost(lambda path=path: _get(client, path))  # type: ignore[misc]
    sample_orders.place_many(_shop(), [f"buyer{n}@mail.example" for n in range(DUE)])
    sample_orders.planned()
    yield f"lease {DUE}", _cost(lambda: _lease(DUE))
    yield f"purge_rows, {EXPIRED} due", _cost(jobs["purge_rows"], before=_expire)


def _job(name: str) -> Callable[[], None]:
    run: Callable[[], None] = getattr(importlib.import_module(f"jobs.{name}"), name)
    return run


def _shop() -> Any:
    from trustsvc.shops import directory

    with db.reading() as session:
        return directory.by_slug(session, "bakfiets-co")


def _lease(expected: int) -> None:
    with contextlib.suppress(Undo), db.transaction() as session:
        found = lease.lease(session, clock.now(), kinds.registered(), lease.BATCH_SIZE)
        if len(found) != expected:
            raise SystemExit(f"{len(found)} messages were leased, not {expected}.")
        raise Undo


def _ask_in_vain() -> None:
    if due.may_be_any(clock.now()):
        raise SystemExit("A message is due, and none should be.")


def _get(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} was answered with {answer.status_code}.")


def _expire() -> None:
    """Make lines of the decision log older than any may become."""
    old = clock.now() - timedelta(days=731)
    with db.transaction() as session:
        some = decisions.select().order_by(decisions.c.id.desc()).limit(EXPIRED)
        ids = [row.id for row in session.execute(some)]
        session.execute(update(decisions).where(decisions.c.id.in_(ids)).values(at=old))


def _cost(run: Callable[[], object], before: Callable[[], object] | None = None) -> Cost:
    walls, cpus = [], []
    for _ in range(RUNS):
        if before:
            before()
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    least = [round(min(some) * 1000, 2) for some in (walls, cpus)]
    return Cost(*least, results.spread(walls))


def _grown(seen: dict[int, dict[str, Cost]]) -> list[str]:
    """List the jobs with nothing to do that cost more with the longest history."""
    first, last = seen[min(seen)], seen[max(seen)]
    quiet = {one.job for one in schedule.SCHEDULE} | {"is anything due", "lease, nothing due"}
    return [
        name
        for name in quiet
        if last[name].wall > max(MAX_GROWTH * first[name].wall, first[name].wall + NOISE_MS)
    ]


def _print(database: str, seen: dict[int, dict[str, Cost]]) -> None:
    sizes = sorted(seen)
    print(f"\n| {database}: ms (ms CPU) | {' | '.join(f'{n:,}' for n in sizes)} | last : first |")
    print("|---|" + "---:|" * (len(sizes) + 1))
    for name in seen[sizes[0]]:
        costs = [seen[size][name] for size in sizes]
        ratio = costs[-1].wall / costs[0].wall if costs[0].wall else 0
        cells = [*(f"{one.wall:.1f} ({one.cpu:.1f})" for one in costs), f"{ratio:.2f}"]
        print(f"| {name} | {' | '.join(cells)} |")
    print()


def _results(result: dict[str, dict[int, dict[str, Cost]]]) -> Iterator[results.Result]:
    """Give what each job and page takes with the longest history, beside the shortest."""
    for database, sizes in result.items():
        first, last = min(sizes), max(sizes)
        for name, cost in sizes[last].items():
            least = sizes[first][name].wall
            yield results.Result(
                work=f"{name}, {database}, {last:,} orders",
                unit="ms",
                ours=cost.wall,
                yardstick=f"{first:,} orders",
                theirs=least,
                ratio=round(cost.wall / least, 2) if least else None,
                cpu_us=round(cost.cpu * 1000),
                rounds=RUNS,
                spread=cost.spread,
            )


def _plain(result: dict[str, dict[int, dict[str, Cost]]]) -> Any:
    return {
        database: {
            size: {name: [one.wall, one.cpu] for name, one in costs.items()}
            for size, costs in sizes.items()
        }
        for database, sizes in result.items()
    }


if __name__ == "__main__":
    sys.exit(main())
