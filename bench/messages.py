"""How many invitations a second leave? `make bench-messages`.

Sends invitations that are due to a mail server on this machine, by the code of the mailer, over one
connection and over as many as the settings have. Beside it, in the same rounds: a loop of smtplib
that sends one constant message over one connection, on one CPU with its server (on two, each waits
for the other to wake up), and a loop that commits one changed state a message with the bare driver
of the same database. Then the same with a mail server that is some milliseconds away. Each commit
is synced.

DATABASE (sqlite or postgresql; both without it), MESSAGES a round, ROUNDS, CONNECTIONS and
DISTANCES (with commas) choose; OUT is where messages.json goes.
"""

import contextlib
import dataclasses
import gc
import os
import smtplib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event, func, select

from bench import results
from bench.ingest import DURABLE
from tests import servers
from tests.invitations import sample_orders
from trustsvc import clock, config, message_kinds, migrations
from trustsvc.invitations.planning import plan
from trustsvc.mail import transport
from trustsvc.mail.message import to_bytes
from trustsvc.mail.outbox import kinds, send
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import SENT
from trustsvc.storage import db

WARM = 200
SHOPS, DOMAINS = 5, 40
LOCALES = ("nl-NL", "de-DE", "en-GB", "fr-FR")
DISTANCES = "0,1,5"
LESS_FAR = 5  # of a mail server that is some way off, a fifth of the messages says as much
THE_CPU = 0  # of the loop and its server
LOOP, COMMITS = "smtplib, one message", "commits, bare driver"


@dataclass(frozen=True, slots=True)
class Run:
    number: int
    seconds: float
    cpu_s: float

    @property
    def per_second(self) -> float:
        return self.number / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s * 1000 / self.number


class Sink:
    """The mail server, a process of its own."""

    def __init__(self, cpu: int = -1) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.message_sink", str(cpu)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def place(self, distance_ms: float) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{distance_ms}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def end(self) -> tuple[int, int]:
        """Give how many messages it took, and how many different ones."""
        out, _ = self._process.communicate("")
        taken, different = map(int, out.split())
        return taken, different


def main() -> int:
    named = os.environ.get("DATABASE")
    found = [_measure_all(one) for one in ([named] if named else ["sqlite", "postgresql"])]
    results.write("messages", list(_results(found)), databases=found)
    return 0 if all(one["whole"] for one in found) else 1


def _measure_all(database: str) -> dict[str, Any]:
    rounds, number = int(os.environ.get("ROUNDS") or 3), int(os.environ.get("MESSAGES") or 2000)
    distances = [float(x) for x in (os.environ.get("DISTANCES") or DISTANCES).split(",")]
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustsvc-bench-")))
        sink, plain = Sink(), Sink(THE_CPU)
        stack.callback(db.dispose_engines)
        _install(stack, place, database, sink.port)
        default = str(config.current().smtp_connections)
        wanted = (os.environ.get("CONNECTIONS") or f"1,{default}").split(",")
        connections = [int(one) for one in wanted]
        shops = [sample_orders.shop(name=f"Shop {one}") for one in range(SHOPS)]
        warm = min(WARM, number)
        sending = _Sending(shops)
        statements = {
            k: _statements(lambda k=k: sending.run(warm, k)) / warm  # type: ignore[misc]
            for k in connections
        }
        gc.collect()
        gc.freeze()  # as the command line does (trustsvc/cli/__init__.py)
        rows: list[dict[str, Any]] = []
        for distance in distances:
            some = max(number // LESS_FAR, 1) if distance else number
            for one in (sink, plain):
                one.place(distance)
            runs: dict[str, list[Run]] = {}
            for _ in range(rounds):
                for k in connections:
                    runs.setdefault(_name(k), []).append(sending.run(some, k))
                runs.setdefault(LOOP, []).append(_loop(plain.port, some))
                runs.setdefault(COMMITS, []).append(_commits(place, some))
            rows += [_row(runs, name, distance) for name in runs]
        with db.reading() as session:
            left = session.scalar(
                select(func.count()).select_from(messages).where(messages.c.state != SENT)
            )
    taken, different = sink.end()
    plain.end()
    whole = left == 0 and taken == different == sending.number
    _print(rows, database, statements)
    print(f"{taken} of {sending.number} arrived, {taken - different} twice, {left} are left.\n")
    result = {"rows": rows, "database": database, "arrived": taken, "whole": whole}
    return result | {"statements": statements}


def _name(connections: int) -> str:
    return f"invitations, {connections} connection{'s' if connections > 1 else ''}"


def _install(stack: contextlib.ExitStack, place: Path, database: str, port: int) -> None:
    environ = {
        "TRUSTSVC_DATA": str(place / "data"),
        "TRUSTSVC_MAIL_URL": f"smtp://127.0.0.1:{port}?starttls=never",
        "TRUSTSVC_MAIL_PACE": "0",
        "TRUSTSVC_HOURLY_MOST": "0",
    }
    if database == "postgresql":
        started = contextlib.contextmanager(servers.postgres)
        server = stack.enter_context(started(place, DURABLE, on_disk=True))
        environ["TRUSTSVC_DATABASE_URL"], drop = servers.fresh_database(server)
        stack.callback(drop)
    config.use(config.load(environ))
    stack.callback(config.use, None)
    migrations.upgrade()
    kinds.register_when_needed(message_kinds.register)


class _Sending:
    """Plans invitations and sends them; only the sending is measured."""

    def __init__(self, shops: list[sample_orders.directory.Shop]) -> None:
        self._shops = shops
        self._runs = 0
        self.number = 0

    def run(self, number: int, connections: int) -> Run:
        self._runs += 1
        self.number += number
        config.use(dataclasses.replace(config.current(), smtp_connections=connections))
        for start in range(0, number, plan.BATCH_SIZE):
            some = range(start, min(start + plan.BATCH_SIZE, number))
            with sample_orders.quiet(), db.transaction() as session:
                orders = [self._order(one) for one in some]
                sample_orders.accept.accept(session, orders, sample_orders.NOON)
            sample_orders.planned()
        began = clock.read().uptime
        later = timedelta(seconds=self._runs)

        def now() -> datetime:
            return sample_orders.NOON + (clock.read().uptime - began) + later

        def send_all() -> None:
            url = config.current().mail_url
            with sample_orders.quiet(), transport.open_transport(url) as opened:
                while send.send(db.transaction, opened, now):
                    pass

        return _measured(send_all, number)

    def _order(self, one: int) -> sample_orders.accept.IncomingOrder:
        return sample_orders.received(
            self._shops[one % SHOPS],
            email=f"b{self._runs}-{one}@mail{one % DOMAINS}.example",
            name=f"Jan Jansen-{'äöüß'[one % 4]}",
            locale=LOCALES[one % len(LOCALES)],
        )


def _measured(work: Callable[[], None], number: int) -> Run:
    cpu, began = time.process_time(), time.perf_counter()
    work()
    return Run(number, time.perf_counter() - began, time.process_time() - cpu)


def _statements(work: Callable[[], object]) -> int:
    """Count the statements that are executed meanwhile, with SQLite's BEGIN and without COMMIT."""
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    event.listen(db.engine(), "before_cursor_execute", count)
    try:
        work()
    finally:
        event.remove(db.engine(), "before_cursor_execute", count)
    return counted


@contextlib.contextmanager
def _on_the_cpu() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {THE_CPU} & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _loop(port: int, number: int) -> Run:
    body = _message()

    def loop() -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="bench.example") as link:
            for _ in range(number):
                link.sendmail("reviews@trust.example", ["jan@mail.example"], body)

    with _on_the_cpu():
        return _measured(loop, number)


def _message() -> bytes:
    """Compose an invitation, as constant as a template can be."""
    with db.reading() as session:
        row = session.execute(
            select(messages.c.subject_id).where(messages.c.state == SENT).limit(1)
        ).one()
    one = kinds.LeasedMessage(0, "invitation", row.subject_id, b"", 0, 0, 0)
    with db.reading() as session:
        drafts = kinds.by_name("invitation").prepare(session, [one], sample_orders.NOON)
    draft = drafts[0]
    assert not isinstance(draft, kinds.Drop | kinds.Defer)
    message = draft.compose("a" * 26, sample_orders.NOON)
    return to_bytes(message, config.current().mail_from).data


def _commits(place: Path, number: int) -> Run:
    """Commit so many changes of a state as the bare driver does, with nothing around it."""
    with contextlib.closing(_bare_link(place)) as link:
        (first,) = link.execute("SELECT min(id) FROM messages").fetchone() or (0,)

        def commit() -> None:
            for one in range(number):
                _begin(link)
                link.execute(f"UPDATE messages SET attempts = 1 + {one % 2} WHERE id = {first}")
                link.commit()

        return _measured(commit, number)


def _bare_link(place: Path) -> "sqlite3.Connection | psycopg.Connection":
    url = config.current().database_url
    if db.is_sqlite():
        link = sqlite3.connect(place / "data" / "trustsvc.db", isolation_level=None)
        link.execute("PRAGMA synchronous = FULL")
        return link
    return psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"))


def _begin(link: "sqlite3.Connection | psycopg.Connection") -> None:
    if isinstance(link, sqlite3.Connection):
        link.execute("BEGIN IMMEDIATE")


def _row(runs: dict[str, list[Run]], name: str, distance: float) -> dict[str, Any]:
    """Summarise the rounds: medians, and ratios of each round to its yardsticks."""
    mine = [one.per_second for one in runs[name]]
    return {
        "distance": distance,
        "name": name,
        "per_second": round(statistics.median(mine)),
        "spread": round((max(mine) - min(mine)) / statistics.median(mine), 2),
        "cpu_ms": round(statistics.median(one.cpu_ms for one in runs[name]), 3),
        "of_loop": _ratio(runs[name], runs[LOOP]),
        "of_commits": _ratio(runs[name], runs[COMMITS]),
        "rounds": len(mine),
    }


def _ratio(ours: list[Run], theirs: list[Run]) -> float:
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(one.per_second / two.per_second for one, two in pairs), 3)


def _results(found: list[dict[str, Any]]) -> Iterator[results.Result]:
    for database, row in ((one["database"], row) for one in found for row in one["rows"]):
        if row["name"] in {LOOP, COMMITS}:
            continue
        away = f", {row['distance']:g} ms away" if row["distance"] else ""
        for yardstick, ratio in ((LOOP, row["of_loop"]), (COMMITS, row["of_commits"])):
            yield results.Result(
                work=f"messages sent, {database}, {row['name'].partition(', ')[2]}{away}",
                unit="messages/s",
                ours=row["per_second"],
                yardstick=yardstick,
                theirs=round(row["per_second"] / ratio) if ratio else None,
                ratio=ratio,
                cpu_us=round(row["cpu_ms"] * 1000),
                rounds=row["rounds"],
                spread=row["spread"],
            )


def _print(rows: list[dict[str, Any]], database: str, statements: dict[int, float]) -> None:
    counted = ", ".join(f"{one:.1f} with {k}" for k, one in statements.items())
    print(f"{database}: statements a message, by connections: {counted}. Spread: of the rounds.")
    print("| ms away | what | a second | spread | CPU ms | of the loop | of commits | rounds |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        print(f"| {' | '.join(str(value) for value in row.values())} |")


if __name__ == "__main__":
    sys.exit(main())
