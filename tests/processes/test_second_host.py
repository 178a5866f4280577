"""A host that runs `trustsvc web` only, beside the one with the worker: one database, own files.

Also tests:
    trustsvc/wsgi.py
"""

import json
import shutil
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
import requests
from click.testing import CliRunner

from tests.badge.badge_files import published
from tests.processes.conftest import free_port
from tests.reviews.sample_reviews import shop
from tests.signing import signed_request
from tests.waiting import PATIENCE_S, until
from tools.drill.service import ROOT
from trustsvc import cli, clock, config
from trustsvc.crypto import keyring
from trustsvc.registry.opt_out import opt_out
from trustsvc.shops import enrol
from trustsvc.storage import db, key_checks
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.work_queue import job_queue

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.postgresql,
    pytest.mark.parametrize("database", ["postgresql"], indirect=True),
]


class Host:
    """A machine of its own: its data folder, the common database and Redis."""

    def __init__(self, settings, folder):
        self.data, self.port = folder / "other host", free_port()
        self.data.mkdir(mode=0o700)
        self.environ = {"PYTHONPATH": str(ROOT), "TRUSTSVC_DATA": str(self.data)}
        self.environ |= {"TRUSTSVC_DATABASE_URL": settings.database_url}
        self.environ |= {"TRUSTSVC_REDIS_URL": settings.redis_url or ""}
        self.environ |= {"TRUSTSVC_PORT": str(self.port), "TRUSTSVC_WEB_PROCESSES": "1"}

    def run(self, *words):
        command = [sys.executable, "-m", "trustsvc", *words]
        return subprocess.Popen(
            command, env=self.environ, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )

    def order(self, made, reference):
        at_shop, secret = made
        data = {"reference": reference, "email": "jan@mail.example", "name": "Jan"}
        body = json.dumps({"type": "order.created", "data": data}).encode()
        headers = signed_request("standard", secret, body)
        url = f"http://127.0.0.1:{self.port}/webhooks/standard/{at_shop.endpoint_id}"
        return requests.post(url, data=body, headers=headers, timeout=PATIENCE_S)

    def get(self, path):
        try:
            return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S)
        except requests.ConnectionError:
            return None


@pytest.fixture
def host(installation, tmp_path):
    with db.transaction() as session:
        key_checks.record(session)
    return Host(installation, tmp_path)


def test_without_the_keys_of_the_others_it_makes_none_and_says_what_to_copy(host):
    processes = [["web"], ["worker"], ["mailer"], ["scheduler"]]
    enrol = ["shop", "add", "--name", "X", "--domain", "x.example", "--platform", "woocommerce"]
    for words in (*processes, ["migrate"], enrol):
        process = host.run(*words)
        said = process.communicate(timeout=PATIENCE_S)[1]

        assert process.returncode, words
        assert "copy the folder keys of TRUSTSVC_DATA" in said, words
        assert "Traceback" not in said, words
        assert list((host.data / "keys").glob("*")) == []


def test_it_purges_its_own_log_and_writes_its_own_badges(host, installation):
    made = shop()
    published(made)
    shutil.copytree(installation.data / "keys", host.data / "keys")
    old = clock.now() - timedelta(days=120)
    log = host.data / "log" / old.strftime("access-%Y-%m-%dT%H.log")
    log.parent.mkdir(mode=0o700)
    log.write_text("2026-01-01T10:00:00.123Z 203.0.113.7 GET /r/… 200 5123 -\n")
    process = host.run("web")
    until(lambda: (answer := host.get("/livez")) and answer.ok)

    until(lambda: not log.exists())
    written = host.data / "public" / "badge" / "v1" / f"{made.slug}.json"
    until(written.exists)
    assert written.read_bytes() == host.get(f"/badge/v1/{made.slug}.json").content
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("name", ["web", "worker", "mailer", "scheduler"])
def test_whatever_runs_there_keeps_the_whole_suppression_journal(host, installation, name):
    shutil.copytree(installation.data / "keys", host.data / "keys")
    file = host.data / "suppressions" / "journal"
    process = host.run(name)
    with db.transaction() as session:
        opt_out(session, "jan@mail.example", EVERY_SHOP, "stop", clock.now())

    until(lambda: file.exists() and b"opt_out" in file.read_bytes())
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_a_host_with_the_keys_of_before_a_rotation_starts_nothing_and_says_what_to_copy(
    host, installation
):
    shutil.copytree(installation.data / "keys", host.data / "keys")
    assert CliRunner().invoke(cli.main, ["keys", "rotate", "lookup"]).exit_code == 0

    for name in ("web", "worker", "mailer", "scheduler", "tick"):
        process = host.run(name)
        output = process.communicate(timeout=PATIENCE_S)[1]

        assert process.returncode == 1, name
        assert "key lookup: version 2 is missing. Copy the folder keys" in output, name


def test_a_running_host_without_a_rotated_key_answers_later_until_it_is_copied(host, installation):
    folder = host.data / "keys"
    shutil.copytree(installation.data / "keys", folder)
    made = enrolled()
    web, worker = host.run("web"), host.run("worker")
    until(lambda: (answer := host.get("/livez")) and answer.ok)
    assert host.order(made, "one").status_code == 202

    assert CliRunner().invoke(cli.main, ["keys", "rotate", "vault"]).exit_code == 0
    answers = [host.order(made, f"order {number}").status_code for number in range(3)]
    assert answers == [503] * 3
    assert host.get("/readyz").json()["checks"]["keys"] == "not those of this database"
    job_queue.enqueue_now("check_orders")
    assert "version 2 is missing" in worker.communicate(timeout=PATIENCE_S)[1]
    assert worker.returncode == 1

    shutil.copy2(installation.data / "keys" / "vault", folder / ".vault.copy")
    (folder / ".vault.copy").replace(folder / "vault")
    until(lambda: host.order(made, "order 0").status_code == 202)
    web.send_signal(signal.SIGTERM)
    assert web.wait(PATIENCE_S) == 0


def enrolled():
    with db.transaction() as session:
        new = enrol.Enrolment("Acme", "acme.example", "standard", may_ask="customers")
        return enrol.enrol(session, new, clock.now())


def test_keys_of_its_own_are_named_by_migrate(host, installation):
    shutil.copytree(installation.data / "keys", host.data / "keys")
    (host.data / "keys" / "lookup").unlink()
    config.use(config.load({"TRUSTSVC_DATA": str(host.data)}))
    keyring.keys("lookup")
    config.use(installation)

    process = host.run("migrate")
    said = process.communicate(timeout=PATIENCE_S)[1]

    assert process.returncode == 1
    assert "The keys here are not those of this database: key lookup:" in said
