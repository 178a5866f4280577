"""Stopping is not killing: a slow mail server's answer is waited for, and no message is unknown.

Also tests:
trustsvc/cli/up.py
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
import requests
from sqlalchemy import select

from tests.signing import signed_request
from tools.drill.drill import daytime_zone
from tools.drill.smtp_sink import Sink
from trustsvc import config
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db

pytestmark = [pytest.mark.walk, pytest.mark.slow, pytest.mark.timeout(300)]
ANSWER_S = 18  # longer than any other process is waited for
ORDERS = 3


@pytest.fixture
def slow_sink():
    """A mail server that takes its time between the end of DATA and its answer."""
    sink = Sink(on_message=lambda _seen: time.sleep(ANSWER_S))
    with sink:
        yield sink


@pytest.fixture
def service_environ(service_environ, slow_sink):
    return service_environ | {"TRUSTSVC_MAIL_URL": f"{slow_sink.url}?starttls=never"}


def place_orders(service):
    terms = ("--may-ask", "customers", "--delay", "0", "--delay-unit", "minutes")
    words = ("--name", "Lamp", "--domain", "lamp.example", "--platform", "standard", "--json")
    shop = json.loads(service.command("shop", "add", *words, *terms, "--zone", daytime_zone()))
    for number in range(ORDERS):
        body = json.dumps({"data": {"reference": f"r{number}", "email": f"b{number}@post.example"}})
        headers = signed_request("standard", shop["secret"], body.encode())
        answer = requests.post(shop["webhook_url"], data=body, headers=headers, timeout=60)
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


def test_up_waits_for_the_answer_and_the_mailer_stops_before_the_next(service, slow_sink):
    place_orders(service)
    service.until(lambda: slow_sink.seen)
    mailer = service.children()["mailer"]
    began = time.monotonic()

    service.process.send_signal(signal.SIGTERM)
    time.sleep(2)
    os.kill(mailer, signal.SIGTERM)  # as systemd does to each process of a unit

    assert service.process.wait(ANSWER_S + 60) == 0
    seconds = time.monotonic() - began
    print(f"stopped in {seconds:.1f} s, the answer took {ANSWER_S} s")
    assert len(slow_sink.seen) == 1
    assert states(service) == {"sent": 1, "due": ORDERS - 1}
    assert ANSWER_S - 5 < seconds < ANSWER_S + 10
    assert "up.process_killed" not in service.log.read_text()


def test_who_asks_twice_waits_for_nothing(service, slow_sink):
    place_orders(service)
    service.until(lambda: slow_sink.seen)
    began = time.monotonic()

    service.process.send_signal(signal.SIGTERM)
    time.sleep(3)
    service.process.send_signal(signal.SIGTERM)

    service.process.wait(60)
    assert time.monotonic() - began < 10
    assert "up.process_killed" in service.log.read_text()


def test_a_tick_that_is_interrupted_finishes_the_running_message(service, slow_sink):
    mailer = service.children()["mailer"]
    os.kill(mailer, signal.SIGSTOP)  # the tick is to send
    place_orders(service)
    tick = subprocess.Popen([sys.executable, "-m", "trustsvc", "tick"], env=service.environ)
    try:
        service.until(lambda: slow_sink.seen)
        tick.send_signal(signal.SIGINT)
        assert tick.wait(ANSWER_S + 60) == 0
    finally:
        os.kill(mailer, signal.SIGKILL)
    assert len(slow_sink.seen) == 1
    assert states(service)["sent"] == 1
    assert states(service)["unknown"] == 0
