"""Tables by month: what they hold stays, months are made ahead and dropped, and nothing remains.

Also tests:
trustsvc/cli/database.py
"""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from sqlalchemy import text

from tests import servers
from tests.invitations.sample_orders import NOON, decisions_of, invited, place, planned, shop
from tests.waiting import PATIENCE_S, until
from trustsvc import cli, clock, config
from trustsvc.backup import database
from trustsvc.orders import decision_log
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.privacy.retention import purge
from trustsvc.storage import db, event_log, partitioning, partitions, vacuum

pytestmark = pytest.mark.postgresql

on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
DAY = timedelta(days=1)
KEPT = 730 * DAY


def partition_all(now=NOON):
    with clock.at(now):
        return [partitioning.partition(table) for table in partitions.BY_MONTH]


def entry(order_id, at, rule="may_ask_customers"):
    with db.transaction() as session:
        one = decision_log.DecisionLogEntry(order_id, DecisionStep.MAY_ASK, rule, Outcome.ASK, at)
        decision_log.write(session, [one])


def place_of(rule):
    """Name the part in which the line of a rule lies."""
    with db.reading() as session:
        query = text("SELECT tableoid::regclass::text FROM decision_log WHERE rule = :rule")
        return session.scalar(query, {"rule": rule})


def names(table="decision_log"):
    return [one.name for one in partitions.parts(table)]


@on_postgresql
def test_what_was_decided_stays_and_orders_go_on(installation):
    at_shop = shop()
    before = invited(at_shop)
    lines = decisions_of(before)

    assert partition_all() == [True, True]

    assert decisions_of(before) == lines != []
    after = invited(at_shop, email="piet@mail.example")
    assert decisions_of(after) == lines
    assert place_of("registry").startswith("decision_log_")


@on_postgresql
def test_twice_changes_nothing(installation):
    partition_all()
    before = names()

    assert partition_all() == [False, False]
    partitions.make_ahead(NOON)

    assert names() == before


@on_postgresql
def test_each_month_has_a_part_made_ahead_and_what_came_early_is_moved_there(installation):
    order_id = place(shop())
    partition_all()  # in June: what is stored before August stays in one part
    entry(order_id, NOON, "june")
    entry(order_id, NOON + 60 * DAY, "august")
    entry(order_id, NOON + 200 * DAY, "december")
    assert names() == ["decision_log_before", "decision_log_2026_08"]
    assert place_of("december") == "decision_log_other"

    partitions.make_ahead(NOON + 160 * DAY)

    assert names()[2:] == [f"decision_log_2026_{month}" for month in (11, 12)] + [
        "decision_log_2027_01"
    ]
    assert place_of("june") == "decision_log_before"
    assert place_of("august") == "decision_log_2026_08"
    assert place_of("december") == "decision_log_2026_12"


@on_postgresql
def test_a_month_that_is_past_is_dropped_with_a_receipt(installation):
    order_id = place(shop())
    partition_all()
    partitions.make_ahead(NOON + 30 * DAY)
    for days in (0, 60, 61, 90):
        entry(order_id, NOON + days * DAY, f"day_{days}")
    with db.transaction() as session:
        event_log.record(session, "review.published", 1, 1, NOON + 60 * DAY)

    gone = purge.purge_due(NOON + KEPT + 85 * DAY)  # past are July and August, not all of September

    assert gone["decision_log"] >= 3
    assert place_of("day_90") == "decision_log_2026_09"
    assert {"decision_log_before", "decision_log_2026_08"}.isdisjoint(names())
    assert "events_2026_08" not in names("events")
    with db.reading() as session:
        found = {row.what for row in session.execute(text("SELECT what FROM receipts"))}
    assert {"decision_log", "event_log"} <= found


@on_postgresql
def test_retention_is_exact_inside_of_a_month(installation):
    order_id = place(shop())
    partition_all()
    entry(order_id, NOON + 60 * DAY, "older")
    entry(order_id, NOON + 63 * DAY, "newer")

    purge.purge_due(NOON + KEPT + 61 * DAY)

    assert place_of("older") is None
    assert place_of("newer") == "decision_log_2026_08"


@on_postgresql
def test_nothing_of_a_dropped_month_is_left_in_a_file(installation, postgres):
    order_id = place(shop())
    partition_all()
    entry(order_id, NOON + 60 * DAY, "canary_7391")
    servers._execute(Path(postgres), "CHECKPOINT")
    assert holding(postgres, b"canary_7391")

    purge.purge_due(NOON + KEPT + 130 * DAY)
    vacuum.rebuild(with_large=True)
    servers._execute(Path(postgres), "CHECKPOINT")

    assert holding(postgres, b"canary_7391") == []


def holding(server, marker):
    """List the data files that hold some bytes; the write-ahead log goes on its own."""
    found = []
    for path in Path(server, "data", "base").rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and marker in path.read_bytes():
                found.append(path.name)
    return found


@on_postgresql
def test_a_part_in_use_is_left_for_an_hour(installation, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_WAIT_MS", 10)
    order_id = place(shop())
    partition_all()
    entry(order_id, NOON + 60 * DAY, "august")
    with db.engine().begin() as reader:
        reader.execute(text("SELECT 1 FROM decision_log_2026_08"))
        purge.purge_due(NOON + KEPT + 130 * DAY)

    assert "decision_log_2026_08" in names()
    assert place_of("august") is None
    purge.purge_due(NOON + KEPT + 130 * DAY)
    assert "decision_log_2026_08" not in names()


@on_postgresql
def test_a_part_in_use_blocks_only_itself(installation, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_WAIT_MS", 10)
    order_id = place(shop())
    partition_all()
    partitions.make_ahead(NOON + 60 * DAY)
    for days in (60, 90, 120):
        entry(order_id, NOON + days * DAY, f"day_{days}")
    later = NOON + KEPT + 130 * DAY
    cutoff = NOON + 115 * DAY
    assert partitions.past_parts("decision_log", cutoff)[1:] == [
        "decision_log_2026_08",
        "decision_log_2026_09",
    ]
    with db.engine().begin() as reader:
        reader.execute(text("SELECT 1 FROM decision_log_2026_08"))
        purge.purge_due(later)

    assert "decision_log_2026_08" in names()
    assert {"decision_log_before", "decision_log_2026_09"}.isdisjoint(names())


@on_postgresql
def test_what_another_purge_made_or_dropped_meanwhile_is_looked_at_again(installation):
    partition_all()
    with ThreadPoolExecutor(2) as others:
        with partitions.changing_parts():  # another purge has its turn
            made = others.submit(partitions.make_ahead, NOON + 60 * DAY)
            dropped = others.submit(drop, "decision_log_2026_08")
            until(lambda: number_waiting() == 2)
            assert names() == ["decision_log_before", "decision_log_2026_08"]
        assert (made.exception(), dropped.result()) == (None, 0)

    start, end = (partitions.month_start(NOON, ahead) for ahead in (3, 4))
    partitions._make("decision_log", "decision_log_2026_09", start, end)
    assert drop("decision_log_2026_09") == drop("decision_log_2026_09") == 0


def drop(name):
    with db.transaction() as session:
        return partitions.drop_part(session, "decision_log", name)


def number_waiting():
    with db.reading() as session:
        return session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))


@on_postgresql
def test_several_purges_at_once_end_well(installation, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_WAIT_MS", PATIENCE_S * 1000)
    at_shop = shop()
    partition_all()
    for months in range(2, 6):
        moment = NOON + months * 31 * DAY
        partitions.make_ahead(moment)
        entry(place(at_shop, moment), moment, "old")
        later = moment + KEPT + 70 * DAY
        with ThreadPoolExecutor(3) as purges:
            done = [purges.submit(purge.purge_due, later) for _ in range(3)]
        assert [one.exception() for one in done] == [None] * 3
        assert place_of("old") is None


@on_postgresql
def test_months_that_cannot_be_made_stop_no_retention(installation):
    order_id = place(shop())
    partition_all()
    entry(order_id, NOON, "old")
    with db.engine().begin() as connection:
        connection.execute(text("DROP TABLE decision_log_other"))

    with structlog.testing.capture_logs() as logged:
        gone = purge.purge_due(NOON + KEPT + 30 * DAY)

    assert gone["decision_log"]
    assert place_of("old") is None
    (line,) = [one for one in logged if one["event"] == "purge.months_not_made"]
    assert line["error"] == "ProgrammingError"


@on_postgresql
def test_orders_are_decided_on_in_a_partitioned_log(installation):
    partition_all()
    at_shop = shop()
    for number in range(5):
        place(at_shop, email=f"b{number}@mail.example")

    assert planned() == 5


@on_postgresql
def test_the_command_says_what_it_did(installation):
    runs = [CliRunner().invoke(cli.main, ["database", "partition"]) for _ in range(2)]

    assert [one.exit_code for one in runs] == [0, 0]
    assert runs[0].output == "decision_log  partitioned\nevents  partitioned\n"
    assert runs[1].output.count("is partitioned already") == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_has_none(installation):
    assert config.current().database_url.startswith("sqlite")
    assert partition_all() == [False, False]
    answer = CliRunner().invoke(cli.main, ["database", "partition"])
    assert answer.exit_code == 1
    assert "SQLite has no partitions" in answer.output


@on_postgresql
def test_a_backup_holds_all_months(installation, tmp_path):
    order_id = place(shop())
    partition_all()
    entry(order_id, NOON + 60 * DAY, "august")
    dump = tmp_path / "dump"

    database.dump(dump)
    with db.engine().begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    database.load(dump)

    assert place_of("august") == "decision_log_2026_08"
    assert names()[0] == "decision_log_before"
