"""Jobs that take too long, or end in ways that are no Exception: the worker goes on."""

import contextlib
import os
import signal
import time

import pytest
from sqlalchemy.exc import SQLAlchemyError

import jobs.check_orders
import jobs.refresh_badges
from tests.work_queue.test_job_queue import everything_in_redis, queue
from trustsvc import clock, log
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat, job_queue, time_limit, worker


@pytest.fixture
def work(installation, monkeypatch):
    """Run a function as a job with one second to go, and another job after it."""
    done = []

    def run(function):
        monkeypatch.setattr(jobs.check_orders, "check_orders", function)
        monkeypatch.setattr(jobs.refresh_badges, "refresh_badges", lambda: done.append("next"))
        monkeypatch.setattr(time_limit, "REPEAT_S", 0.3)
        queue().enqueue_call(
            "jobs.check_orders.check_orders", timeout=1, result_ttl=0, failure_ttl=60
        )
        job_queue.enqueue_now("refresh_badges")
        worker.make_worker().work(burst=True)
        assert done == ["next"]
        assert not came_to_its_end

    return run


came_to_its_end = []


def go_on(catches=Exception):
    """Work for minutes, whatever is raised; nobody may let it come to its end."""
    for _ in range(6000):
        with contextlib.suppress(catches):
            time.sleep(0.05)
    came_to_its_end.append(True)


@pytest.mark.slow
def test_a_job_that_catches_every_exception_ends_in_time(work):
    work(go_on)
    assert len(queue().failed_job_registry) == 1


@pytest.mark.slow
def test_a_job_that_swallows_the_end_gets_it_again(work):
    def stubborn():
        try:
            go_on()
        except BaseException:  # noqa: BLE001 - that is what is tried
            go_on()

    work(stubborn)


@pytest.mark.slow
def test_what_a_job_wrote_is_rolled_back_when_its_time_is_over(work):
    def write():
        with db.transaction() as session:
            heartbeat.beat(session, "too late", clock.now())
            go_on(catches=(ValueError, SQLAlchemyError))

    work(write)
    with db.transaction() as session:  # nobody holds the lock
        assert heartbeat.last(session, "too late") is None


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, MemoryError, RecursionError])
def test_a_job_that_ends_in_another_way_does_not_end_its_worker(work, end, capfd):
    def leave():
        raise end("anna@mail.example")

    log.configure()
    work(leave)

    assert b"anna@mail" not in everything_in_redis()
    output = capfd.readouterr()
    assert end.__name__ in output.err
    assert "anna@mail" not in output.err + output.out


def test_a_job_that_is_done_in_time_is_not_ended_afterwards(work):
    work(lambda: None)

    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert len(queue().failed_job_registry) == 0


@pytest.mark.slow
def test_a_job_that_cannot_be_ended_ends_its_worker(installation, monkeypatch):
    def never():
        while True:
            go_on(catches=BaseException)

    monkeypatch.setattr(jobs.check_orders, "check_orders", never)
    monkeypatch.setattr(time_limit, "REPEAT_S", 0.1)
    queue().enqueue_call("jobs.check_orders.check_orders", timeout=1)
    db.dispose_engines()
    child = os.fork()
    if not child:
        worker.make_worker().work(burst=True)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_a_failed_job_leaves_redis_within_the_hour(work):
    def fail():
        raise ValueError

    work(fail)

    (failed,) = queue().failed_job_registry.get_job_ids()
    assert 0 < job_queue.connection().ttl(f"rq:job:{failed}") <= job_queue.FAILURE_TTL_S
