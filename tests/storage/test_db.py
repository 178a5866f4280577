import os
import threading

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from trustsvc.clock import now
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat, job_queue

pytestmark = pytest.mark.both_databases


def test_what_a_transaction_wrote_is_there_afterwards(installation):
    moment = now().replace(microsecond=0)

    with db.transaction() as session:
        heartbeat.beat(session, "scheduler", moment)

    with db.reading() as session:
        assert moment == heartbeat.last(session, "scheduler")


def test_a_transaction_that_fails_leaves_nothing_and_enqueues_no_job(installation):
    enqueued = []

    def write_and_fail():
        with db.transaction() as session:
            heartbeat.beat(session, "scheduler", now())
            job_queue.enqueue(session, "check_orders")
            raise RuntimeError

    with job_queue.capture(enqueued.append), pytest.raises(RuntimeError):
        write_and_fail()

    with db.reading() as session:
        assert heartbeat.last(session, "scheduler") is None
    assert enqueued == []


def test_a_job_enqueued_many_times_in_a_transaction_is_enqueued_once_after_it(installation):
    enqueued = []

    with job_queue.capture(enqueued.append), db.transaction() as session:
        for _ in range(3):
            job_queue.enqueue(session, "check_orders")
        assert enqueued == []

    assert enqueued == ["check_orders"]


def test_writers_at_once_do_not_fail_or_lose_anything(installation):
    problems = []

    def write(number):
        try:
            for turn in range(20):
                with db.transaction() as session:
                    heartbeat.beat(session, f"{number}-{turn}", now())
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is wrong
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    with db.reading() as session:
        assert len(session.execute(select(heartbeat.heartbeats)).all()) == 80


def test_a_transaction_inside_a_transaction_is_refused_at_once(installation):
    def nest():
        with db.transaction(), db.transaction():
            pass

    with pytest.raises(RuntimeError):
        nest()
    with db.transaction() as session:
        heartbeat.beat(session, "scheduler", now())


def test_parameters_never_stand_in_an_exception(installation):
    def fail():
        with db.transaction() as session:
            session.execute(
                heartbeat.heartbeats.insert(), [{"name": "anna@mail.example", "at": None}]
            )

    with pytest.raises(IntegrityError) as failed:
        fail()

    assert "anna@mail" not in str(failed.value)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_lock_that_cannot_be_opened_is_a_database_that_is_away(installation):
    (installation.data / "trustsvc.lock").unlink(missing_ok=True)
    (installation.data / "trustsvc.lock").mkdir()

    with pytest.raises(OperationalError), db.transaction():
        pass
    (installation.data / "trustsvc.lock").rmdir()
    with db.transaction() as session:
        heartbeat.beat(session, "scheduler", now())


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_waits_for_a_lock_as_long_as_sqlite_does(installation):
    with db.reading() as session:
        assert session.scalar(text("SHOW lock_timeout")) == "10s"


def test_one_row_is_read_without_a_transaction_and_the_next_one_rolls_back_as_ever(installation):
    def write_and_fail():
        with db.transaction() as session:
            heartbeat.beat(session, "scheduler", now())
            raise RuntimeError

    for _ in range(3):
        assert db.read_row(text("SELECT count(*) AS n FROM heartbeats")) == {"n": 0}
        with pytest.raises(RuntimeError):
            write_and_fail()


def test_a_forked_child_shares_no_connection_with_its_parent(installation):
    def whose(session):
        connection = session.connection().connection.driver_connection
        return connection.info.backend_pid if not db.is_sqlite() else id(connection)

    with db.reading() as session:
        mine = whose(session)

    child = os.fork()
    if not child:
        try:
            with db.reading() as session:
                os._exit(1 if whose(session) == mine else 0)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    with db.reading() as session:
        assert session.scalar(text("SELECT 1")) == 1
