"""What `trustsvc up` does with children that cannot be forked, or do not end."""

import importlib
import math
import multiprocessing
import os
import signal
import sys
import threading

import pytest

from trustsvc.cli import child_process
from trustsvc.cli.child_process import Child
from trustsvc.work_queue import stop_request

pytestmark = pytest.mark.slow


def never_ends(answers=None):
    """Ignore each SIGTERM; `answers` is a pipe to say that it does, and then that one came."""

    def say(*_):
        if answers is not None:
            os.write(answers, b".")

    signal.signal(signal.SIGTERM, say)
    say()
    while True:
        signal.pause()


@pytest.fixture
def no_fork(monkeypatch):
    """Let the machine refuse each fork until it may again."""
    allowed = os.fork

    def refuse():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    return lambda: monkeypatch.setattr(os, "fork", allowed)


def test_a_fork_that_fails_is_tried_again_and_ends_no_other_child(no_fork):
    child = Child("worker", never_ends)
    for _ in range(3):
        child.not_before = 0
        child.keep_alive()
    assert not child.is_alive()
    child_process.end_all([child])  # it has nothing to end, and says so to nobody

    no_fork()
    child.not_before = 0
    child.keep_alive()
    assert child.is_alive()
    child.process.kill()
    child.process.join()


def test_what_runs_once_is_imported_by_the_child_alone_and_its_failure_ends_us():
    name = "this"  # prints a poem
    child_process.run_once(lambda: importlib.import_module(name))
    assert name not in sys.modules

    with pytest.raises(SystemExit) as ended:
        child_process.run_once(lambda: sys.exit(3))
    assert ended.value.code == 1


def test_after_many_forks_that_failed_up_ends_so_that_it_is_started_again(no_fork):
    child = Child("worker", never_ends, failed_forks=child_process.MAX_FAILED_FORKS - 1)

    with pytest.raises(BlockingIOError):
        child.keep_alive()


def test_whoever_asks_twice_waits_for_none_of_several(monkeypatch):
    monkeypatch.setattr(child_process, "STOP_TIMEOUTS_S", {"mailer": math.inf})
    monkeypatch.setattr(stop_request, "SAME_REQUEST_S", 0.0)
    reads, writes = os.pipe()
    children = [Child("mailer", lambda: never_ends(writes)) for _ in range(3)]

    def ask_again():
        for _ in children:
            os.read(reads, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    with stop_request.listening():
        for child in children:
            child.keep_alive()
        for _ in children:
            os.read(reads, 1)  # it ignores SIGTERM from here on
        stop_request.note()
        threading.Thread(target=ask_again, daemon=True).start()
        child_process.end_all(children)

    assert not any(child.is_alive() for child in children)
    assert multiprocessing.active_children() == []


def test_a_terminal_that_is_closed_is_a_request_to_stop_and_under_nohup_it_is_none():
    with stop_request.listening():
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop_request.is_made()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_request.listening():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop_request.is_made()
    finally:
        signal.signal(signal.SIGHUP, before)
