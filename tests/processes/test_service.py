"""The service as its operator meets it: real processes, real sockets, real kills.

Also tests:
trustsvc/__main__.py
trustsvc/cli/up.py
trustsvc/wsgi.py
trustsvc/work_queue/runtime.py
"""

import email
import email.policy
import json
import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from tests.faults.test_resources import stored
from tests.waiting import PATIENCE_S
from trustsvc import clock
from trustsvc.demo import example_orders

pytestmark = [pytest.mark.processes, pytest.mark.slow]
PROCESSES = {"redis", "web", "worker", "privacy-worker", "mailer", "scheduler"}


def woo_order():
    return example_orders.example_order("woocommerce", clock.now()).body


def place_order(shop, body, secret=None):
    return example_orders.post(shop["webhook_url"], "woocommerce", secret or shop["secret"], body)


def emails(service):
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in service.data.glob("mail/new/*")
    ]


def text_of(message):
    return message.get_body(preferencelist=("plain",)).get_content()


def sending_day(service):
    """Let it be the day on which what was ordered is asked about, once the worker has seen it."""
    service.until(lambda: not stored(service, "received"))
    day = (clock.now() + timedelta(days=9)).replace(hour=10, minute=0)
    service.command("tick", "--at", day.isoformat())


@pytest.mark.both_databases
def test_an_order_becomes_a_published_review(service):
    shop = service.enrol("woocommerce")
    body = woo_order()

    assert place_order(shop, body).status_code == 202
    assert place_order(shop, body).json() == {"status": "duplicate"}
    sending_day(service)
    (message,) = emails(service)
    link = re.search(r"^(http\S+/r/\S+)$", text_of(message), re.MULTILINE)[1]
    form = {
        "stars": "4",
        "title": "Good",
        "text": "Came on time.",
        "name": "Anna",
        "city": "Gent",
        "consent": "1",
    }
    assert requests.post(link, data=form, timeout=PATIENCE_S).ok
    (review,) = json.loads(service.command("reviews", "list", "--json"))
    assert review["state"] == "pending"
    service.command("reviews", "approve", str(review["id"]))

    page = requests.get(f"{service.url}/s/{shop['shop']}", timeout=PATIENCE_S).text
    assert "Came on time." in page
    assert "Gent" in page
    badge = requests.get(f"{service.url}/badge/v1/{shop['shop']}.json", timeout=PATIENCE_S)
    assert badge.ok


def test_a_body_of_50_mb_is_refused_and_the_service_goes_on(shared_service):
    shop = shared_service.enrol("woocommerce")

    answer = place_order(shop, b" " * 50_000_000)

    assert answer.status_code == 413
    assert shared_service.is_ready()


def test_a_body_of_unknown_length_is_refused_past_the_limit(shared_service):
    shop = shared_service.enrol("woocommerce")

    answer = requests.post(
        shop["webhook_url"], data=(b" " * 65536 for _ in range(6)), timeout=PATIENCE_S
    )

    assert answer.status_code == 413


def test_the_server_log_is_written_within_a_second_and_nowhere_else(shared_service):
    requests.get(f"{shared_service.url}/s/nobody?secret=hunter2", timeout=PATIENCE_S)

    def written():
        return [
            line
            for path in shared_service.data.glob("log/access-*")
            for line in path.read_text().splitlines()
            if "/s/nobody" in line
        ]

    shared_service.until(written)
    assert "hunter2" not in "".join(written())
    assert "/s/nobody" not in shared_service.log.read_text()


def test_a_second_service_on_the_same_folder_is_refused_with_a_sentence(shared_service):
    done = subprocess.run(
        [sys.executable, "-m", "trustsvc", "up"],
        env=shared_service.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode != 0
    assert "Another trustsvc runs on this data folder" in done.stderr


def test_a_port_that_is_taken_is_refused_with_a_sentence(shared_service, tmp_path):
    environ = shared_service.environ | {"TRUSTSVC_DATA": str(tmp_path / "other")}
    for command in (["up"], ["demo", "--once"]):
        done = subprocess.run(
            [sys.executable, "-m", "trustsvc", *command],
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

        assert done.returncode != 0
        assert "TRUSTSVC_PORT" in done.stderr


@pytest.mark.parametrize("killed", sorted(PROCESSES))
def test_a_killed_process_comes_back(shared_service, killed):
    service = shared_service
    before = all_children(service)

    os.kill(before[killed], signal.SIGKILL)

    service.until(lambda: service.children().get(killed, before[killed]) != before[killed])
    service.until(service.is_ready)
    shop = service.enrol("woocommerce")
    body = woo_order()
    assert place_order(shop, body).status_code == 202


def test_privacy_requests_are_answered_again_after_their_worker_was_killed(service):
    shop = service.enrol("woocommerce")
    body = woo_order()
    assert place_order(shop, body).status_code == 202
    service.until(lambda: not stored(service, "received"))
    before = all_children(service)

    os.kill(before["privacy-worker"], signal.SIGKILL)
    form = {"email": json.loads(body)["billing"]["email"]}
    assert requests.post(f"{service.url}/me", data=form, timeout=PATIENCE_S).ok

    service.until(lambda: emails(service))
    (message,) = emails(service)
    assert form["email"] in message["To"]
    after = all_children(service)
    assert {name for name in PROCESSES if after[name] != before[name]} == {
        "worker",
        "privacy-worker",
    }


def all_children(service):
    """Give the ids of all processes, once none is just being started again."""
    return service.until(lambda: set(found := service.children()) == PROCESSES and found)


def is_alive(pid):
    """Whether a process runs; one that nobody waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_old_web_server_goes_on_serving_when_its_keeper_was_killed(shared_service):
    web = all_children(shared_service)["web"]
    serving = Path(f"/proc/{web}/task/{web}/children").read_text().split()
    assert serving

    os.kill(web, signal.SIGKILL)

    shared_service.until(lambda: not any(is_alive(pid) for pid in serving))


def test_nothing_is_left_running_when_the_whole_was_killed_and_redis_with_it(service):
    children = service.children()
    os.kill(children["redis"], signal.SIGKILL)

    os.kill(service.process.pid, signal.SIGKILL)

    service.until(lambda: not any(map(is_alive, children.values())))


def test_nothing_is_left_running_after_a_stop_even_when_the_web_server_was_killed_before(service):
    first = service.children()
    os.kill(first["web"], signal.SIGKILL)
    service.until(lambda: service.children().get("web", first["web"]) != first["web"])
    service.until(service.is_ready)
    children = service.children()

    service.process.send_signal(signal.SIGTERM)
    service.process.wait(PATIENCE_S)

    assert set(children) == PROCESSES
    gone = {*first.values(), *children.values()}
    assert [pid for pid in gone if Path(f"/proc/{pid}").exists()] == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{service.url}/livez", timeout=PATIENCE_S)


def test_orders_are_accepted_while_redis_is_gone(shared_service):
    shop = shared_service.enrol("woocommerce")
    redis = all_children(shared_service)["redis"]
    os.kill(redis, signal.SIGSTOP)
    try:
        body = woo_order()
        assert place_order(shop, body).status_code == 202
    finally:
        os.kill(redis, signal.SIGCONT)
