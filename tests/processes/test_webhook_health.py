"""What webhooks brought, counted by a real service: ended, killed, and started again."""

import json
import os
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.signing import signed_request
from tests.waiting import PATIENCE_S
from trustsvc import clock
from trustsvc.demo import example_orders

pytestmark = [pytest.mark.processes, pytest.mark.slow]

ERROR = b'{"code":"woocommerce_rest_cannot_view","message":"No.","data":{"status":401}}'


def post(shop, body, secret=None):
    headers = signed_request("woocommerce", secret or shop["secret"], body)
    return requests.post(shop["webhook_url"], data=body, headers=headers, timeout=PATIENCE_S)


def listed(service):
    (row,) = json.loads(service.command("shop", "list", "--json"))
    return row


def counts(service):
    return listed(service)["answers_7_days"]


def written(service, answer):
    """Read a count where the service writes it: a command a look would cost a second each."""
    with sqlite3.connect(service.data / "trustsvc.db") as database:
        select = "SELECT sum(count) FROM webhook_counts WHERE answer = ?"
        return database.execute(select, (answer,)).fetchone()[0]


def test_a_service_that_ends_keeps_every_count_and_one_that_is_killed_what_was_written(
    service, restarted
):
    shop = service.enrol("woocommerce")
    body = example_orders.example_order("woocommerce", clock.now()).body
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: post(shop, body).status_code, range(200)))
    assert sorted(answers) == [200] * 199 + [202]
    assert [post(shop, ERROR).json()["reason"] for _ in range(3)] == ["platform_error"] * 3
    assert post(shop, body, "another secret").status_code == 401

    service.process.send_signal(signal.SIGTERM)
    service.process.wait(PATIENCE_S)
    all_of_it = {
        "accepted": 1,
        "duplicate": 199,
        "ignored:platform_error": 3,
        "bad_signature": 1,
    }
    assert counts(service) == all_of_it

    restarted(service)
    assert post(shop, body).status_code == 200
    service.until(lambda: written(service, "duplicate") == 200)
    assert counts(service)["duplicate"] == 200
    post(shop, body)
    os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait(PATIENCE_S)
    after = counts(service)
    assert after | {"duplicate": 200} == all_of_it | {"duplicate": 200}
    assert after["duplicate"] in {200, 201}

    restarted(service)
    service.command("tick")
    assert listed(service)["alarm"] == "platform_error"
    assert "ALARM platform_error" in service.command("shop", "list")
