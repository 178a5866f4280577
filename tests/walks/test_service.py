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

from trustsvc import clock
from trustsvc.demo import example_orders

pytestmark = [pytest.mark.both_databases, pytest.mark.walk, pytest.mark.slow]


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
    day = (clock.now() + timedelta(days=9)).replace(hour=10, minute=0)
    service.command("tick", "--at", day.isoformat())


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
    assert requests.post(link, data=form, timeout=60).ok
    (review,) = json.loads(service.command("reviews", "list", "--json"))
    assert review["state"] == "pending"
    service.command("reviews", "approve", str(review["id"]))

    page = requests.get(f"{service.url}/s/{shop['shop']}", timeout=60).text
    assert "Came on time." in page
    assert "Gent" in page
    badge = requests.get(f"{service.url}/badge/v1/{shop['shop']}.json", timeout=60)
    assert badge.ok


def test_a_body_of_50_mb_is_refused_and_the_service_goes_on(service):
    shop = service.enrol("woocommerce")

    answer = place_order(shop, b" " * 50_000_000)

    assert answer.status_code == 413
    assert service.is_ready()


def test_a_body_of_unknown_length_is_refused_past_the_limit(service):
    shop = service.enrol("woocommerce")

    answer = requests.post(shop["webhook_url"], data=(b" " * 65536 for _ in range(6)), timeout=60)

    assert answer.status_code == 413


def test_the_server_log_is_written_within_a_second_and_nowhere_else(service):
    requests.get(f"{service.url}/s/nobody?secret=hunter2", timeout=60)

    def written():
        return [
            line
            for path in service.data.glob("log/access-*")
            for line in path.read_text().splitlines()
            if "/s/nobody" in line
        ]

    service.until(written)
    assert "hunter2" not in "".join(written())
    assert "/s/nobody" not in service.log.read_text()


def test_a_second_service_on_the_same_folder_is_refused_with_a_sentence(service):
    done = subprocess.run(
        [sys.executable, "-m", "trustsvc", "up"],
        env=service.environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode != 0
    assert "Another trustsvc runs on this data folder" in done.stderr


def test_a_port_that_is_taken_is_refused_with_a_sentence(service, tmp_path):
    environ = service.environ | {"TRUSTSVC_DATA": str(tmp_path / "other")}
    for command in (["up"], ["demo", "--once"]):
        done = subprocess.run(
            [sys.executable, "-m", "trustsvc", *command],
            env=environ,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

        assert done.returncode != 0
        assert "TRUSTSVC_PORT" in done.stderr


@pytest.mark.parametrize("killed", ["web", "worker", "mailer", "scheduler", "redis"])
def test_a_killed_process_comes_back(service, killed):
    before = service.children()

    os.kill(before[killed], signal.SIGKILL)

    service.until(lambda: service.children().get(killed, before[killed]) != before[killed])
    service.until(service.is_ready)
    shop = service.enrol("woocommerce")
    body = woo_order()
    assert place_order(shop, body).status_code == 202


def is_alive(pid):
    """Whether a process runs; one that nobody waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_old_web_server_goes_on_serving_when_its_keeper_was_killed(service):
    web = service.children()["web"]
    serving = Path(f"/proc/{web}/task/{web}/children").read_text().split()
    assert serving

    os.kill(web, signal.SIGKILL)

    service.until(lambda: not any(is_alive(pid) for pid in serving))


def test_nothing_is_left_running_when_the_whole_was_killed_and_redis_with_it(service):
    children = service.children()
    os.kill(children["redis"], signal.SIGKILL)

    os.kill(service.process.pid, signal.SIGKILL)

    service.until(lambda: not any(map(is_alive, children.values())))


def test_nothing_is_left_running_after_a_stop(service):
    children = service.children()

    service.process.send_signal(signal.SIGTERM)
    service.process.wait(60)

    assert set(children) == {"redis", "web", "worker", "mailer", "scheduler"}
    assert [pid for pid in children.values() if Path(f"/proc/{pid}").exists()] == []


def test_a_killed_web_server_leaves_no_worker_behind_on_the_port(service):
    before = service.children()["web"]
    os.kill(before, signal.SIGKILL)
    service.until(lambda: service.children().get("web", before) != before)
    service.until(service.is_ready)

    service.process.send_signal(signal.SIGTERM)
    service.process.wait(60)

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{service.url}/livez", timeout=60)


def test_orders_are_accepted_while_redis_is_gone(service):
    shop = service.enrol("woocommerce")
    os.kill(service.children()["redis"], signal.SIGSTOP)
    try:
        body = woo_order()
        assert place_order(shop, body).status_code == 202
    finally:
        os.kill(service.children()["redis"], signal.SIGCONT)
