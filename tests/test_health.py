import contextlib
import resource
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import event, update

from tests.invitations import sample_orders
from trustsvc import clock, config, health, log, migrations
from trustsvc.cli.processes import log_late_purge
from trustsvc.crypto import keyring
from trustsvc.mail.outbox.models import messages
from trustsvc.privacy.retention import purge_log_files
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat, job_queue

pytestmark = pytest.mark.both_databases


def beat(moment):
    with db.transaction() as session:
        heartbeat.beat(session, "scheduler", moment)


def test_alive_says_so(client):
    answer = client.get("/livez")

    assert answer.json == {"status": "ok"}


def test_ready_when_everything_answers(client):
    beat(clock.now())

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert set(answer.json["checks"].values()) == {"ok"}


def test_not_ready_without_a_scheduler(client):
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["scheduler"].startswith("late")


def test_not_ready_when_a_migration_is_missing(client):
    beat(clock.now())
    migrations.downgrade("base")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["migrations"] != "ok"


def test_not_ready_without_redis(client, installation):
    beat(clock.now())
    config.use(
        config.load(
            {
                "TRUSTSVC_DATA": str(installation.data),
                "TRUSTSVC_DATABASE_URL": installation.database_url,
                "TRUSTSVC_REDIS_URL": "unix:///nowhere.sock",
            }
        )
    )

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["redis"] != "ok"


def test_security_txt_says_whom_to_tell(client, installation):
    text = client.get("/.well-known/security.txt").text

    assert f"Contact: mailto:{installation.contact}" in text
    assert "Expires: " in text


@contextlib.contextmanager
def small_files(_installation):
    """A limit on the size of files: what a full disk answers, without filling one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def replica(_installation):
    job_queue.connection().replicaof("127.0.0.1", "1")
    try:
        yield
    finally:
        job_queue.connection().replicaof("NO", "ONE")


@contextlib.contextmanager
def redis_without_memory(_installation):
    job_queue.connection().config_set("maxmemory", "1")
    try:
        yield
    finally:
        job_queue.connection().config_set("maxmemory", "0")


@contextlib.contextmanager
def foreign_keys(installation):
    sample_orders.shop()
    (installation.data / "keys" / "vault").unlink()
    keyring.make_all()
    yield


@contextlib.contextmanager
def undecided_order(_installation):
    sample_orders.place(sample_orders.shop(), clock.now() - timedelta(minutes=11))
    yield


@contextlib.contextmanager
def late_message(_installation):
    sample_orders.invited(sample_orders.shop(), clock.now())
    with db.transaction() as session:
        session.execute(update(messages).values(due_at=clock.now() - timedelta(minutes=31)))
    yield


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        (small_files, "disk"),
        (replica, "redis"),
        (redis_without_memory, "redis"),
        (foreign_keys, "keys"),
        (undecided_order, "orders"),
        (late_message, "mail"),
    ],
)
def test_not_ready_while_work_cannot_be_done_and_no_figure_for_strangers(
    client, installation, fault, check
):
    beat(clock.now())

    with fault(installation):
        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"][check] != "ok"
    assert not any(character.isdigit() for character in answer.text)


def test_many_requests_at_once_are_one_write(client):
    written = []
    event.listen(
        db.engine(),
        "before_cursor_execute",
        lambda *given: written.append(given[2]) if "INSERT" in given[2] else None,
    )
    began = time.monotonic()
    for _ in range(100):
        client.get("/readyz")

    assert 1 <= len(written) <= 1 + (time.monotonic() - began)


def test_a_check_that_does_not_come_back_is_not_waited_for(client, monkeypatch):
    beat(clock.now())
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr(health, "STUCK_S", 0.2)

    with health.known_checks._lock:  # as a thread does whose database froze
        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["database"] == "does not answer"


def _purge_said(client, at):
    with clock.at(at):
        beat(clock.now())
        answer = client.get("/readyz")
    return answer.status_code, answer.json["checks"]["purge"]


def test_not_ready_within_a_day_of_a_missed_purge_of_the_server_log(client, installation):
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    folder = installation.data / "log"
    folder.mkdir(exist_ok=True)
    (folder / f"{hour:access-%Y-%m-%dT%H.log}").touch()
    goes_at = hour + timedelta(days=89, hours=23)

    assert _purge_said(client, goes_at + timedelta(minutes=19)) == (200, "ok")
    late = (503, "late: see trustsvc doctor")
    assert _purge_said(client, goes_at + timedelta(minutes=21)) == late
    assert _purge_said(client, goes_at + timedelta(hours=24)) == late
    with clock.at(goes_at + timedelta(hours=24)):
        purge_log_files.purge(clock.now())
    assert _purge_said(client, goes_at + timedelta(hours=24, minutes=2)) == (200, "ok")


def test_the_folder_is_looked_into_once_a_minute_however_often_it_is_asked(client, installation):
    (installation.data / "log").mkdir(exist_ok=True)
    health._last_purge_check = None
    seen = []
    sys.addaudithook(lambda name, args: seen.append(args) if name == "os.scandir" else None)

    for _ in range(20):
        client.get("/readyz")

    assert len([args for args in seen if str(args[0]) == str(installation.data / "log")]) == 1


def test_the_scheduler_logs_that_a_purge_was_missed(installation, capfd):
    log.configure()
    folder = installation.data / "log"
    folder.mkdir(exist_ok=True)
    log_late_purge()
    assert "scheduler.log_purge_late" not in capfd.readouterr().err

    (folder / "access-2020-01-01T00.log").touch()
    log_late_purge()

    assert '"level": "error"' in capfd.readouterr().err
