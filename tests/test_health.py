import sys
from datetime import timedelta

import pytest

from trustsvc import clock, config, health, log, migrations
from trustsvc.cli.processes import log_late_purge
from trustsvc.privacy.retention import purge_log_files
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat

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
