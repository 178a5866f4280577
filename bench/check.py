"""What does it cost to check and plan an order? `make bench-check`.

Fills the registry with a million buyers, then has 500 orders at a time decided on: the check alone
(are these buyers registered, opted out or restricted), and the job that checks and plans. Beside
both, in the same rounds: one HMAC for each order's address, by `cryptography`, and nothing else.
Each commit is synced.

REGISTERED, BATCHES (of 500 orders a round), ROUNDS and DATABASE (sqlite, postgresql; both without
it) shorten it; OUT is where check.json goes.
"""

import contextlib
import gc
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from sqlalchemy import func, select, text

from bench import filled_database, results
from jobs import check_orders
from tests.invitations import sample_orders
from trustsvc import clock, message_kinds
from trustsvc.crypto import pseudonyms
from trustsvc.invitations.models import invitations
from trustsvc.invitations.planning.plan import BATCH_SIZE
from trustsvc.mail.outbox import kinds
from trustsvc.orders import accept
from trustsvc.registry import check
from trustsvc.registry.models import registered_buyers
from trustsvc.storage import db

REGISTERED = 1_000_000
SHOPS, DOMAINS = 5, 40
LOCALES = ("nl-NL", "de-DE", "en-GB", "fr-FR")
HMACS = "one HMAC each"
Timed = tuple[float, float]  # an order: seconds by the clock, of CPU


def main() -> int:
    kinds.register_when_needed(message_kinds.register)
    rounds, number = int(os.environ.get("ROUNDS") or 5), int(os.environ.get("BATCHES") or 4)
    size = int(os.environ.get("REGISTERED") or REGISTERED)
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
            stack.enter_context(sample_orders.quiet())
            found += _measure(database, size, rounds, number)
    print(results.table(found))
    results.write("check", found, registered=size)
    return 0


def _measure(database: str, size: int, rounds: int, batches: int) -> list[results.Result]:
    shops = [sample_orders.shop(name=f"Shop {one}") for one in range(SHOPS)]
    _register(size)
    number = batches * BATCH_SIZE
    _place(shops, 0, number)
    check_orders.check_orders()
    gc.collect()
    gc.freeze()  # as the command line does (trustsvc/cli/__init__.py)
    seen: dict[str, list[Timed]] = {"check": [], "check and plan": [], HMACS: []}
    for one in range(1, rounds + 1):
        queries = _place(shops, one, number)
        seen[HMACS].append(_timed(number, lambda q=queries: _hmacs(q)))  # type: ignore[misc]
        seen["check"].append(_timed(number, lambda q=queries: _check(q)))  # type: ignore[misc]
        seen["check and plan"].append(_timed(number, check_orders.check_orders))
    _require_all_planned((rounds + 1) * number)
    yardstick = [1 / wall for wall, _ in seen[HMACS]]
    return [
        results.of_rounds(
            f"{work}, {database}, {size:,} registered",
            "orders/s",
            [1 / wall for wall, _ in seen[work]],
            (HMACS, yardstick),
            [cpu * 1e6 for _, cpu in seen[work]],
        )
        for work in ("check", "check and plan")
    ]


def _register(size: int) -> None:
    """Register so many buyers, each with a pseudonym of its own."""
    random = "randomblob(16)" if db.is_sqlite() else "decode(md5(random()::text), 'hex')"
    start = "x'0101' || " if db.is_sqlite() else "'\\x0101'::bytea || "
    columns = "pseudonym, at, consent_version, source"
    with db.transaction() as session:
        session.execute(
            text(
                f"INSERT INTO registered_buyers ({columns}) WITH RECURSIVE n(value) AS "
                "(SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < :size) "
                f"SELECT CAST({start}{random} AS {'BLOB' if db.is_sqlite() else 'bytea'}), "
                ":at, '1', 'bench' FROM n"
            ),
            {"size": size, "at": int(sample_orders.NOON.timestamp() * 1000)},
        )
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if db.is_sqlite():
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).all()
        else:
            connection.execute(text("VACUUM (ANALYZE) registered_buyers"))


def _place(
    shops: Sequence[sample_orders.directory.Shop], round_: int, number: int
) -> list[check.RegistryQuery]:
    """Take in so many orders; one buyer in three is registered."""
    made = [(shops[one % SHOPS], _email(round_, one), one) for one in range(number)]
    with db.transaction() as session:
        for start in range(0, number, BATCH_SIZE):
            some = [
                sample_orders.received(
                    shop, email=email, locale=LOCALES[one % 4], name=f"Jan {'äöüß'[one % 4]}"
                )
                for shop, email, one in made[start : start + BATCH_SIZE]
            ]
            accept.accept(session, some, sample_orders.NOON)
        session.execute(
            registered_buyers.insert(),
            [
                {
                    "pseudonym": pseudonyms.registry_pseudonym(email),
                    "at": sample_orders.NOON,
                    "consent_version": "1",
                    "source": "bench",
                }
                for _, email, one in made
                if one % 3 == 0
            ],
        )
    return [check.RegistryQuery(shop.id, email) for shop, email, _ in made]


def _email(round_: int, one: int) -> str:
    return f"b{round_}-{one}@mail{one % DOMAINS}.example"


def _check(queries: Sequence[check.RegistryQuery]) -> None:
    with db.reading() as session:
        for start in range(0, len(queries), BATCH_SIZE):
            found = check.statuses(session, queries[start : start + BATCH_SIZE])
            if not found[0].registered and start % 3 == 0:
                raise SystemExit("A buyer who is registered was not found.")


def _hmacs(queries: Sequence[check.RegistryQuery]) -> None:
    secret = secrets.token_bytes(32)
    for one in queries:
        mac = HMAC(secret, hashes.SHA256())
        mac.update(one.email.encode())
        mac.finalize()


def _require_all_planned(number: int) -> None:
    with db.reading() as session:
        planned = session.scalar(select(func.count()).select_from(invitations))
    if planned != number:
        raise SystemExit(f"{planned} invitations are planned, not {number}.")


def _timed(number: int, work: Callable[[], object]) -> Timed:
    cpu, began = time.process_time(), time.perf_counter()
    work()
    wall = time.perf_counter() - began
    return wall / number, (time.process_time() - cpu) / number


if __name__ == "__main__":
    sys.exit(main())
