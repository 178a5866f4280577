"""A host without a key of the database does nothing until it is copied."""

import fcntl
import json
import threading

import pytest

from tests.orders.webhook_client import ACCEPTED, Shop, count, sample
from tests.waiting import until
from tests.work_queue.test_job_queue import queue
from trustsvc import config
from trustsvc.crypto import keyring
from trustsvc.errors import Misconfigured
from trustsvc.storage import db, key_checks, key_guard
from trustsvc.work_queue import job_queue, worker

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def fresh(installation, monkeypatch):
    monkeypatch.setattr(key_guard, "_guard", key_guard._Guard())
    monkeypatch.setattr(key_guard, "ASK_EVERY_S", 0.0)
    monkeypatch.setattr(keyring, "_announce", None)


@pytest.fixture
def elsewhere(installation):
    """Rotate keys on another host, of which this one knows nothing; gives what copies them."""
    with db.transaction() as session:
        key_checks.record(session)
    folder = installation.data / "keys"

    def rotated(kind="registry"):
        before = (folder / kind).read_text()
        keyring.rotate(kind)
        with db.transaction() as session:
            key_checks.record(session)
        after = (folder / kind).read_text()
        (folder / kind).unlink()
        (folder / kind).write_text(before)
        (folder / kind).chmod(0o600)
        return lambda: (folder / kind).write_text(after)

    return rotated


@pytest.mark.parametrize("kind", ["registry", "lookup", "vault", "link"])
def test_a_host_that_lacks_a_rotated_key_says_which_until_it_is_copied(elsewhere, kind):
    assert key_guard.problem() is None
    copy = elsewhere(kind)

    assert key_guard.problem() == f"key {kind}: version 2 is missing"
    with pytest.raises(Misconfigured, match="Copy the folder keys of TRUSTSVC_DATA"):
        key_guard.require()

    copy()
    assert key_guard.problem() is None
    key_guard.require()


def test_the_database_is_asked_once_a_second(elsewhere, monkeypatch):
    assert key_guard.problem() is None
    monkeypatch.setattr(key_guard, "ASK_EVERY_S", 1.0)
    elsewhere()

    assert key_guard.problem() is None
    before = key_guard.time.monotonic()
    monkeypatch.setattr(key_guard.time, "monotonic", lambda: before + 1.01)
    assert key_guard.problem()


def test_an_order_is_answered_later_and_accepted_once_the_key_is_copied(client, elsewhere):
    shop = Shop(client, "standard")
    body = json.dumps(sample("standard")).encode()
    copy = elsewhere("vault")

    status, _ = shop.post(body)
    answer = client.get("/readyz")
    badge = client.get("/badge/v1/none.json")

    assert status == 503
    assert count()[0] == 0
    assert answer.json["checks"]["keys"] == "not those of this database"
    assert client.get("/livez").status_code == 200
    assert badge.status_code == 404
    copy()
    assert shop.post(body) == ACCEPTED


def test_a_job_is_left_to_other_hosts_and_the_worker_ends(installation, elsewhere):
    job_queue.enqueue_now("check_orders")
    copy = elsewhere()

    worker.make_worker().work(burst=True)
    assert queue().count == 1

    copy()
    worker.make_worker().work(burst=True)
    assert queue().count == 0


def test_a_damaged_key_is_a_problem_too(installation):
    (installation.data / "keys" / "lookup").write_text("nonsense")

    assert "restore it from its backup" in key_guard.problem()


def test_while_the_database_is_away_the_last_answer_holds(elsewhere, monkeypatch):
    elsewhere()
    assert key_guard.problem()
    away = db.OperationalError("select", None, OSError())

    def fail():
        raise away

    monkeypatch.setattr(db, "reading", fail)
    assert key_guard.problem() == "key registry: version 2 is missing"


def test_a_rotation_tells_the_database_before_the_key_is_used(installation, monkeypatch):
    """This host does not stop for it, and any other does before the first use."""
    at_announcement = []

    def announce(kind, key):
        key_checks.announce(kind, key)
        at_announcement.append((key_guard.problem(), keyring.newest_key(kind).version))
        with db.reading() as session:
            at_announcement.append(dict(key_checks.mismatches(session)))

    monkeypatch.setattr(keyring, "_announce", announce)
    monkeypatch.setattr(key_checks, "NOTICED_S", 0.0)

    made = keyring.rotate("registry")

    assert at_announcement == [(None, 1), {"registry": "version 2 is missing"}]
    assert made.version == 2
    assert key_guard.problem() is None


def test_a_rotation_that_ends_while_it_is_asked_about_stops_nothing(elsewhere, monkeypatch):
    copy = elsewhere()

    def just_ended():
        copy()
        return False

    monkeypatch.setattr(keyring, "is_rotating", just_ended)
    assert key_guard.problem() is None


def test_an_interrupted_rotation_leaves_no_key_that_nobody_has(installation, monkeypatch):
    def interrupted(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(keyring, "_announce", key_checks.announce)
    monkeypatch.setattr(db, "is_sqlite", lambda: False)
    monkeypatch.setattr(key_checks.time, "sleep", interrupted)

    with pytest.raises(KeyboardInterrupt):
        keyring.rotate("registry")

    monkeypatch.undo()
    assert len(keyring.keys("registry")) == 1
    with db.reading() as session:
        assert key_checks.mismatches(session) == {}


def test_a_host_that_is_behind_rotates_nothing(installation, elsewhere, monkeypatch):
    elsewhere("link")
    monkeypatch.setattr(keyring, "_announce", key_checks.announce)

    with pytest.raises(Misconfigured, match="copy the folder keys"):
        keyring.rotate("link")
    assert len(keyring.keys("link")) == 1


def test_one_that_asks_keeps_no_other_waiting(elsewhere, monkeypatch):
    asked, go_on = threading.Event(), threading.Event()
    assert key_guard.problem() is None

    def slow(_before):
        asked.set()
        go_on.wait()
        return "slow"

    monkeypatch.setattr(key_guard, "_ask", slow)
    thread = threading.Thread(target=key_guard.problem)
    thread.start()
    asked.wait()

    assert key_guard.problem() is None
    go_on.set()
    thread.join()
    assert until(key_guard.problem) == "slow"


def test_a_rotation_in_progress_is_seen_by_its_lock(installation):
    assert keyring.is_rotating() is False
    place = config.current().data / "keys" / ".lock"
    with place.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert keyring.is_rotating() is True
    assert keyring.is_rotating() is False
