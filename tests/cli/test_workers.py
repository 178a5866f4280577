"""`trustsvc worker` and its child, which answers privacy requests: real processes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from tests.invitations import sample_orders
from tests.invitations.sample_orders import quiet
from tests.privacy.rights import my_data_pages
from tests.test_init_process import children, state, words
from tests.waiting import PATIENCE_S, until
from tools.drill.service import ROOT
from trustsvc import clock
from trustsvc.invitations import models
from trustsvc.orders import privacy_requests, request_models
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.orders.received import PrivacyRequestKind
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

pytestmark = [pytest.mark.processes, pytest.mark.slow]
JOB_S = 4  # how long a test lets a job wait


class Running:
    """`trustsvc worker`, started by hand, and its child."""

    def __init__(self, settings, **environ):
        plain = {"PYTHONPATH": str(ROOT), "TRUSTSVC_DATA": str(settings.data)}
        plain |= {"TRUSTSVC_REDIS_URL": settings.redis_url or ""}
        plain |= {"TRUSTSVC_DATABASE_URL": settings.database_url}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trustsvc", "worker"],
            env=plain | environ,
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.child = until(self._privacy_worker)

    def _privacy_worker(self):
        of_us = [
            pid for pid in children(self.process.pid) if words(pid)[0] == b"trustsvc privacy-worker"
        ]
        return of_us[0] if of_us else None

    def ended(self):
        """Give the exit code and what it said; nothing of it is left."""
        said = self.process.communicate(timeout=PATIENCE_S)[1]
        assert not state(self.child)
        return self.process.returncode, said


@pytest.fixture
def running():
    all_of_them = []

    def start(settings, **environ):
        all_of_them.append(Running(settings, **environ))
        return all_of_them[-1]

    yield start
    for one in all_of_them:
        one.process.kill()
        one.process.communicate()


def ask():
    """Ask for the data of an address, as the page does."""
    made = PrivacyRequest(PrivacyRequestKind.MY_DATA, 0, "en", my_data_pages.JAN)
    with db.transaction() as session:
        privacy_requests.enqueue(session, made, clock.now())


def is_answered():
    with db.reading() as session:
        return not session.scalar(select(func.count()).select_from(request_models.privacy_requests))


def at_work(*pids):
    """Wait until each of these took a job and ended it, and waits for the next."""
    for name in ("plan_reminders", "answer_privacy_requests"):
        job_queue.enqueue_now(name)
    ours = map(job_queue.pending_key, ("plan_reminders", "answer_privacy_requests"))
    keys = [*ours, *(f"rq:wip:{name}" for name in job_queue.QUEUES)]
    until(lambda: not job_queue.connection().exists(*keys))
    assert all(map(state, pids))


def test_an_answer_waits_for_no_other_job(installation, running):
    worker = running(installation)
    at_work(worker.process.pid, worker.child)
    os.kill(worker.process.pid, signal.SIGSTOP)  # its job takes long

    ask()

    until(is_answered)
    assert state(worker.process.pid) == "T"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.postgresql
def test_an_answer_waits_for_no_job_that_waits_for_a_lock(installation, running):
    sample_orders.shop()  # whose notices the job looks for
    worker = running(installation)
    at_work(worker.process.pid, worker.child)
    with db.reading() as session:
        session.execute(text("LOCK TABLE notice_versions IN ACCESS EXCLUSIVE MODE"))

        def is_answered_while_the_job_waits():
            job_queue.enqueue_now("record_notice_versions")
            waiting = until(running_jobs)
            ask()
            until(is_answered)
            return waiting & running_jobs()

        # The job gives up after LOCK_TIMEOUT_S, on a slow machine before the answer is there.
        until(is_answered_while_the_job_waits)


def running_jobs():
    return set(job_queue.connection().zrange("rq:wip:trustsvc", 0, -1))


@contextlib.contextmanager
def locked():
    """Let nobody else write: the running job waits."""
    with db.transaction() as session:
        session.execute(select(models.invitations.c.id).limit(1))
        yield


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_waits_for_the_running_job_of_the_child_and_leaves_nothing(
    installation, running, number
):
    worker = running(installation)
    at_work(worker.process.pid, worker.child)
    with quiet():
        ask()
    with locked():
        job_queue.enqueue_now("answer_privacy_requests")
        until(lambda: job_queue.connection().exists("rq:wip:trustsvc-privacy"))
        os.killpg(worker.process.pid, number)  # Ctrl-C reaches the group, without the child
        os.kill(worker.child, signal.SIGTERM)  # systemd sends one to each process
        time.sleep(JOB_S)
        for pid in (worker.process.pid, worker.child):
            os.kill(pid, signal.SIGTERM)
        time.sleep(1)
        assert state(worker.process.pid)
        assert state(worker.child)

    assert worker.ended() == (0, "")
    assert is_answered()


def test_a_worker_without_its_child_finishes_its_job_and_ends_so_that_both_start_again(
    installation, running
):
    worker = running(installation)
    at_work(worker.process.pid, worker.child)
    with locked():
        job_queue.enqueue_now("plan_reminders")
        until(lambda: job_queue.connection().exists("rq:wip:trustsvc"))
        os.kill(worker.child, signal.SIGKILL)
        time.sleep(1)
        assert state(worker.process.pid)

    code, said = worker.ended()
    assert code == 1
    assert "worker.privacy_worker_ended" in said
    assert "Traceback" not in said


def test_a_worker_whose_child_ends_while_redis_is_away_ends_too(installation, running):
    worker = running(installation, TRUSTSVC_REDIS_URL="unix:///nowhere.sock")
    time.sleep(1)

    os.kill(worker.child, signal.SIGTERM)

    code, said = worker.ended()
    assert code == 1
    assert "worker.privacy_worker_ended" in said


def privacy_job(worker):
    """Let the job wait for the write lock; gives the process that runs it."""
    job_queue.enqueue_now("answer_privacy_requests")
    return until(lambda: next(iter(children(worker.child)), None))


def test_a_job_that_is_killed_ends_no_worker_and_runs_again(installation, running):
    worker = running(installation)
    at_work(worker.process.pid, worker.child)
    with quiet():
        ask()
    with locked():
        os.kill(privacy_job(worker), signal.SIGKILL)
        until(lambda: not children(worker.child))

    job_queue.enqueue_now("answer_privacy_requests")

    until(is_answered)
    assert state(worker.child)
    os.kill(worker.process.pid, signal.SIGTERM)
    code, said = worker.ended()
    assert code == 0
    assert "work_queue.job_killed" in said


def test_a_job_dies_with_its_worker(installation, running):
    worker = running(installation)
    at_work(worker.process.pid, worker.child)
    with locked():
        job = privacy_job(worker)

        os.kill(worker.child, signal.SIGKILL)

        until(lambda: state(job) in {None, "Z"})


def test_the_child_dies_with_its_worker(installation, running):
    worker = running(installation)
    at_work(worker.process.pid, worker.child)

    os.kill(worker.process.pid, signal.SIGKILL)

    until(lambda: state(worker.child) in {None, "Z"})


def test_no_other_process_is_a_child_of_the_worker(installation, running):
    worker = running(installation)

    assert children(worker.process.pid) == [worker.child]
    assert Path(f"/proc/{worker.child}/task/{worker.child}/children").read_text() == ""
