"""A table becomes one by month while orders go on, and one that failed or was killed harms nobody.

Also tests:
trustsvc/cli/database.py
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from tests.invitations.sample_orders import NOON, invited, place, shop
from tests.storage.test_partitions import (
    DAY,
    entry,
    names,
    on_postgresql,
    partition_all,
    place_of,
)
from tests.waiting import PATIENCE_S, until
from trustsvc import cli, clock
from trustsvc.doctor import stores
from trustsvc.privacy.retention import purge
from trustsvc.storage import db, partitioning, partitions

pytestmark = pytest.mark.postgresql

JULY, AUGUST = NOON + 30 * DAY, NOON + 60 * DAY


class Killed(BaseException):
    """Stands for the end of the process: nothing is mended after it."""


def fail(*_):
    raise Killed


@pytest.fixture
def killed(installation, monkeypatch):
    """A call that was killed before its last step, with all that it left."""
    order_id = place(shop())
    with monkeypatch.context() as patch:
        patch.setattr(partitioning, "_replace", fail)
        patch.setattr(partitioning, "_drop_leftover", fail)
        with pytest.raises(Killed):
            partition_all()
    assert leftovers() == ["decision_log"]
    return order_id


def leftovers():
    with db.reading() as session:
        return partitioning.leftovers(session)


def warnings():
    with db.reading() as session:
        return [one.level for one in stores._unfinished_partition(session)]


@on_postgresql
@pytest.mark.parametrize("problem", [KeyboardInterrupt, ZeroDivisionError])
def test_one_that_failed_leaves_nothing(installation, monkeypatch, problem):
    order_id = place(shop())

    def broken(*_):
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr(partitioning, "_replace", broken)
        with pytest.raises(problem):
            partition_all()

    assert leftovers() == []
    entry(order_id, NOON + 365 * DAY, "a year later")
    assert partition_all() == [True, True]


@on_postgresql
def test_after_one_that_was_killed_orders_of_the_next_month_are_stored(killed):
    last = NOON.replace(day=30, hour=23, minute=59)
    entry(killed, last + timedelta(minutes=2), "july")

    invited(shop(name="another"), JULY)


@on_postgresql
def test_after_one_that_was_killed_the_next_purge_drops_what_it_left(killed):
    assert warnings() == ["WARN"]

    purge.purge_due(NOON)

    assert leftovers() == []
    assert warnings() == []
    entry(killed, AUGUST, "august")


@on_postgresql
def test_after_one_that_was_killed_the_next_call_goes_on(killed):
    entry(killed, NOON, "between")

    assert partition_all() == [True, True]

    assert place_of("between") == "decision_log_before"
    assert leftovers() == []


@on_postgresql
def test_a_purge_leaves_what_a_running_call_needs_and_no_second_call_begins(
    installation, monkeypatch
):
    place(shop())
    real, seen = partitioning._prepare, []

    def prepared(*words):
        end = real(*words)
        purge.purge_due(NOON)
        seen.append(leftovers())
        seen.append(CliRunner().invoke(cli.main, ["database", "partition"]).output)
        return end

    monkeypatch.setattr(partitioning, "_prepare", prepared)
    with clock.at(NOON):
        assert partitioning.partition("decision_log")

    assert seen[0] == ["decision_log"]
    assert "is being partitioned already" in seen[1]


@on_postgresql
def test_one_that_begins_before_midnight_of_the_last_day_fails_at_nothing(installation):
    order_id = place(shop())
    last = NOON.replace(day=30, hour=23, minute=59, second=59)
    entry(order_id, last + timedelta(seconds=5), "midnight")

    assert partition_all(last) == [True, True]

    assert place_of("midnight") == "decision_log_before"


@on_postgresql
def test_rows_dated_in_the_future_move_the_end_of_the_first_part(installation):
    order_id = place(shop())
    entry(order_id, AUGUST, "ahead")

    assert partition_all() == [True, True]

    entry(order_id, AUGUST + DAY, "august")
    assert place_of("ahead") == place_of("august") == "decision_log_before"
    assert names() == ["decision_log_before"]
    partitions.make_ahead(JULY)
    assert names()[1:] == ["decision_log_2026_09"]


@on_postgresql
def test_a_row_dated_later_still_that_comes_meanwhile_ends_the_command_with_what_to_do(
    installation, monkeypatch
):
    order_id = place(shop())
    real = partitioning._first_end

    def late(*words):
        end = real(*words)
        entry(order_id, clock.now() + 90 * DAY, "late")
        return end

    with monkeypatch.context() as patch:
        patch.setattr(partitioning, "_first_end", late)
        answer = CliRunner().invoke(cli.main, ["database", "partition"])

    assert answer.exit_code == 1
    assert "came meanwhile" in answer.output
    assert "run this again" in answer.output
    assert leftovers() == []
    assert CliRunner().invoke(cli.main, ["database", "partition"]).exit_code == 0


@on_postgresql
def test_a_table_that_is_read_for_long_ends_the_command_with_what_to_do(installation, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_WAIT_MS", 10)
    place(shop())
    with db.engine().begin() as reader:
        reader.execute(text("SELECT 1 FROM decision_log"))
        answer = CliRunner().invoke(cli.main, ["database", "partition"])

    assert answer.exit_code == 1
    assert "decision_log is in use" in answer.output
    assert CliRunner().invoke(cli.main, ["database", "partition"]).exit_code == 0


@pytest.fixture
def patient(monkeypatch):
    """Wait for the first lock as long as a loaded machine needs."""
    monkeypatch.setattr(partitions, "LOCK_WAIT_MS", PATIENCE_S * 1000)


def stored_meanwhile(order_id, change):
    """Store an order and its log while another connection changes the tables; gives its error."""
    with db.engine().begin() as order, ThreadPoolExecutor(1) as other:
        order.execute(text("UPDATE orders SET state = state"))
        changed = other.submit(change)
        until(is_waiting)
        order.execute(text("SELECT count(*) FROM decision_log"))  # of all parts
        values = "VALUES (:id, 'may_ask', 'meanwhile', 'ask', :at)"
        insert = text(f"INSERT INTO decision_log (order_id, step, rule, outcome, at) {values}")
        order.execute(insert, {"id": order_id, "at": partitions.month_start(NOON, 0)})
        order.commit()
        return changed.exception()


def is_waiting():
    with db.reading() as session:
        return session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))


@on_postgresql
def test_an_order_that_is_being_stored_ends_before_its_log_is_replaced(installation, patient):
    order_id = place(shop())
    with clock.at(NOON), partitioning._outside() as connection:
        end = partitioning._prepare(connection, "decision_log")

    def replace():
        with partitions.changing_parts() as change:
            partitioning._replace(change, "decision_log", end)

    assert stored_meanwhile(order_id, replace) is None
    assert place_of("meanwhile") == "decision_log_before"


@on_postgresql
def test_an_order_that_is_being_stored_ends_before_a_month_is_made(installation, patient):
    order_id = place(shop())
    partition_all()

    assert stored_meanwhile(order_id, lambda: partitions.make_ahead(AUGUST)) is None
    assert "decision_log_2026_10" in names()
