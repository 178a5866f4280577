"""Stopping is not killing: a slow mail server's answer is waited for, and no message is unknown.

Also tests:
trustsvc/cli/up.py
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
import requests
from sqlalchemy import select

from tests.signing import signed_request
from tests.waiting import PATIENCE_S
from tools.drill.drill import daytime_zone
from tools.drill.smtp_sink import Sink
from trustsvc import config
from trustsvc.cli.child_process import TIMEOUT_S
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db

pytestmark = [pytest.mark.processes, pytest.mark.slow]
ORDERS, CONNECTIONS = 5, 2


@pytest.fixture
def slow_sink():
    """A mail server that answers the end of DATA when `may_answer` is set."""
    sink = Sink(on_message=lambda _seen: sink.may_answer.wait(PATIENCE_S))
    sink.may_answer = threading.Event()
    with sink:
        yield sink
        sink.may_answer.set()


@pytest.fixture
def service_environ(service_environ, slow_sink):
    return service_environ | {
        "TRUSTSVC_MAIL_URL": f"{slow_sink.url}?starttls=never",
        "TRUSTSVC_SMTP_CONNECTIONS": str(CONNECTIONS),
    }


def place_orders(service):
    terms = ("--may-ask", "customers", "--delay", "0", "--delay-unit", "minutes")
    words = ("--name", "Lamp", "--domain", "lamp.example", "--platform", "standard", "--json")
    shop = json.loads(service.command("shop", "add", *words, *terms, "--zone", daytime_zone()))
    for number in range(ORDERS):
        body = json.dumps({"data": {"reference": f"r{number}", "email": f"b{number}@post.example"}})
        headers = signed_request("standard", shop["secret"], body.encode())
        answer = requests.post(shop["webhook_url"], data=body, headers=headers, timeout=PATIENCE_S)
        assert answer.status_code == 202


def states(service):
    ours = {name: value for name, value in service.environ.items() if name.startswith("TRUSTSVC_")}
    config.use(config.load(ours))
    try:
        with db.reading() as session:
            return Counter(session.scalars(select(messages.c.state)))
    finally:
        db.dispose_engines()
        config.use(None)


def test_up_waits_for_the_answers_and_the_mailer_stops_before_the_next_group(service, slow_sink):
    place_orders(service)
    service.until(lambda: slow_sink.seen)
    mailer = service.children()["mailer"]

    service.process.send_signal(signal.SIGTERM)
    service.until(lambda: "up.waits_for_process" in service.log.read_text())
    os.kill(mailer, signal.SIGTERM)  # as systemd does to each process of a unit
    time.sleep(TIMEOUT_S)  # longer than any other process is waited for
    assert service.process.poll() is None
    slow_sink.may_answer.set()

    assert service.process.wait(PATIENCE_S) == 0
    number = len(slow_sink.seen)
    assert 1 <= number <= CONNECTIONS  # as many as were due when the group began
    assert states(service) == {"sent": number, "due": ORDERS - number}
    assert "up.process_killed" not in service.log.read_text()


def test_who_asks_twice_waits_for_nothing(service, slow_sink):
    place_orders(service)
    service.until(lambda: slow_sink.seen)

    service.process.send_signal(signal.SIGTERM)
    service.until(lambda: "up.waits_for_process" in service.log.read_text())
    service.process.send_signal(signal.SIGTERM)

    service.process.wait(PATIENCE_S)
    assert not slow_sink.may_answer.is_set()
    assert "up.process_killed" in service.log.read_text()


def test_a_tick_that_is_interrupted_finishes_the_running_group(service, slow_sink):
    mailer = service.children()["mailer"]
    os.kill(mailer, signal.SIGSTOP)  # the tick is to send
    place_orders(service)
    tick = subprocess.Popen([sys.executable, "-m", "trustsvc", "tick"], env=service.environ)
    try:
        service.until(lambda: slow_sink.seen)
        tick.send_signal(signal.SIGINT)
        slow_sink.may_answer.set()
        assert tick.wait(PATIENCE_S) == 0
    finally:
        os.kill(mailer, signal.SIGKILL)
    assert len(slow_sink.seen) == CONNECTIONS
    assert states(service)["sent"] == CONNECTIONS
    assert states(service)["unknown"] == 0
