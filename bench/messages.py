"""How many invitations a second leave? `make bench-messages`.

Sends invitations that are due to a mail server on this machine, by the code of the mailer. Beside
it, in the same rounds: a loop of smtplib that sends one constant message to the same server, and a
loop that commits one changed state a message with the bare driver of the same database. Neither can
be beaten: each message is one of both. Each commit is synced.

DATABASE (sqlite or postgresql), MESSAGES a round and ROUNDS choose; OUT is where messages.json
goes.
"""

import contextlib
import gc
import json
import os
import smtplib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import event, func, select

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
OURS, LOOP, COMMITS = "invitations", "smtplib, one message", "commits, bare driver"


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

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.message_sink"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def end(self) -> tuple[int, int]:
        """Give how many messages it took, and how many different ones."""
        out, _ = self._process.communicate("")
        taken, different = map(int, out.split())
        return taken, different


def main() -> int:
    rounds, number = int(os.environ.get("ROUNDS") or 3), int(os.environ.get("MESSAGES") or 2000)
    database = os.environ.get("DATABASE") or "sqlite"
    runs: dict[str, list[Run]] = {OURS: [], LOOP: [], COMMITS: []}
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustsvc-bench-")))
        sink, plain = Sink(), Sink()
        stack.callback(db.dispose_engines)
        _install(stack, place, database, sink.port)
        shops = [sample_orders.shop(name=f"Shop {one}") for one in range(SHOPS)]
        warm = min(WARM, number)
        statements = _statements(lambda: _send(shops, warm, 0)) / warm
        gc.collect()
        gc.freeze()  # as the command line does (trustsvc/cli/__init__.py)
        for one in range(rounds):
            runs[OURS].append(_send(shops, number, one + 1))
            runs[LOOP].append(_loop(plain.port, number))
            runs[COMMITS].append(_commits(place, number))
        with db.reading() as session:
            left = session.scalar(
                select(func.count()).select_from(messages).where(messages.c.state != SENT)
            )
    taken, different = sink.end()
    plain.end()
    rows = [_row(runs, name) for name in runs]
    expected = warm + rounds * number
    whole = left == 0 and taken == different == expected
    _print(rows, database, statements)
    print(f"{taken} of {expected} messages arrived, {taken - different} twice, {left} are left.")
    if out := os.environ.get("OUT"):
        Path(out).mkdir(parents=True, exist_ok=True)
        result = {"rows": rows, "database": database, "arrived": taken, "whole": whole}
        result["statements"] = statements
        Path(out, "messages.json").write_text(json.dumps(result, indent=1))
    return 0 if whole else 1


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


def _send(shops: list[sample_orders.directory.Shop], number: int, round_: int) -> Run:
    """Plan so many invitations, then send them; only the sending is measured."""
    for start in range(0, number, plan.BATCH_SIZE):
        some = range(start, min(start + plan.BATCH_SIZE, number))
        with sample_orders.quiet(), db.transaction() as session:
            orders = [_order(shops, round_, one) for one in some]
            sample_orders.accept.accept(session, orders, sample_orders.NOON)
        sample_orders.planned()
    began = clock.read().uptime

    def now() -> datetime:
        return sample_orders.NOON + (clock.read().uptime - began) + timedelta(seconds=round_)

    def send_all() -> None:
        url = config.current().mail_url
        with sample_orders.quiet(), transport.open_transport(url) as opened:
            while send.send(db.transaction, opened, now):
                pass

    return _measured(send_all, number)


def _order(
    shops: list[sample_orders.directory.Shop], round_: int, one: int
) -> sample_orders.accept.IncomingOrder:
    return sample_orders.received(
        shops[one % SHOPS],
        email=f"b{round_}-{one}@mail{one % DOMAINS}.example",
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


def _loop(port: int, number: int) -> Run:
    body = _message()

    def loop() -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="bench.example") as link:
            for _ in range(number):
                link.sendmail("reviews@trust.example", ["jan@mail.example"], body)

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


def _row(runs: dict[str, list[Run]], name: str) -> dict[str, object]:
    """Summarise the rounds: medians, and ratios of each round to its yardsticks."""
    beside = list(zip(runs[OURS], runs[LOOP], runs[COMMITS], strict=True))
    ratios = {
        OURS: [ours.per_second * (1 / a.per_second + 1 / b.per_second) for ours, a, b in beside],
        LOOP: [ours.per_second / a.per_second for ours, a, _ in beside],
        COMMITS: [ours.per_second / b.per_second for ours, _, b in beside],
    }
    return {
        "name": name,
        "per_second": round(statistics.median(one.per_second for one in runs[name])),
        "cpu_ms": round(statistics.median(one.cpu_ms for one in runs[name]), 3),
        "ratio": round(statistics.median(ratios[name]), 3),
        "rounds": len(runs[name]),
    }


def _print(rows: list[dict[str, object]], database: str, statements: float) -> None:
    print(f"{database}: {statements:.1f} statements a message. Ratio: of our messages a second to")
    print("what this line does; in the first line, to both of the others one after the other.")
    print("| what | a second | CPU ms | ratio | rounds |")
    print("|---|---:|---:|---:|---:|")
    for row in rows:
        print(f"| {' | '.join(str(value) for value in row.values())} |")


if __name__ == "__main__":
    sys.exit(main())
