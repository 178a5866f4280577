import math
import os
import signal

import pytest

from tests.waiting import PATIENCE_S
from trustsvc.work_queue import stop_request


@pytest.mark.parametrize("number", stop_request.SIGNALS)
def test_a_signal_is_a_request_and_ends_nothing(number):
    with stop_request.listening():
        assert not stop_request.wait(0.01)
        os.kill(os.getpid(), number)
        assert stop_request.wait(PATIENCE_S)
        assert stop_request.is_made()


def test_afterwards_a_signal_does_what_it_did_before():
    before = [signal.getsignal(number) for number in stop_request.SIGNALS]
    with stop_request.listening():
        pass

    assert [signal.getsignal(number) for number in stop_request.SIGNALS] == before


def test_afterwards_nobody_is_asked_to_stop():
    with stop_request.listening():
        stop_request.note()

    assert not stop_request.is_made()


def test_each_signal_is_passed_on_while_it_listens():
    passed_on = []
    with stop_request.listening(lambda: passed_on.append("stop")):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert passed_on == ["stop", "stop"]
    with stop_request.listening():
        os.kill(os.getpid(), signal.SIGTERM)

    assert passed_on == ["stop", "stop"]


def test_a_signal_to_a_process_and_its_group_is_one_request(monkeypatch):
    monkeypatch.setattr(stop_request, "SAME_REQUEST_S", math.inf)
    with stop_request.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop_request.count() == 1
        monkeypatch.setattr(stop_request, "SAME_REQUEST_S", 0.0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop_request.count() == 2
