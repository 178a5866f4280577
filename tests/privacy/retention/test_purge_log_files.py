"""The purge of the server log with its receipts: killed midway, on a full disk, two at once.

Also tests:
trustsvc/privacy/retention/maildir.py
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from tests.waiting import PATIENCE_S
from trustsvc import clock, config
from trustsvc.privacy import receipts
from trustsvc.privacy.retention import purge_log_files
from trustsvc.storage import db

NAME = "access-%Y-%m-%dT%H.log"
DAY = timedelta(days=1)


def _lay(installation, number, days=90):
    folder = installation.data / "log"
    folder.mkdir(exist_ok=True)
    hour = clock.now() - days * DAY
    for count in range(number):
        (folder / f"{hour:{NAME}}.{count}").write_text("line\n")
    return folder


def _signed():
    with db.reading() as session:
        assert receipts.verify(session)
        return [one.number for one, _, _ in receipts.chain(session)]


def _own(installation, *command):
    environ = os.environ | {
        "TRUSTSVC_DATA": str(installation.data),
        "TRUSTSVC_REDIS_URL": installation.redis_url,
        "TRUSTSVC_DATABASE_URL": installation.database_url,
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    return subprocess.Popen([sys.executable, "-m", "trustsvc", *command], env=environ)


@pytest.mark.slow
def test_a_purge_killed_midway_is_finished_and_signed_for_by_the_next(installation):
    folder = _lay(installation, 8000)
    first = min(folder.iterdir())
    _lay(installation, 3, days=88)
    process = _own(installation, "log", "purge")
    end = time.monotonic() + PATIENCE_S
    while first.exists() and time.monotonic() < end:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = len(list(folder.iterdir()))

    assert 3 < left < 8003  # it was in the middle
    assert _signed() == []
    gone = purge_log_files.purge(clock.now())

    assert len(gone) == left - 3
    assert _signed() == [8003 - left, left - 3]
    assert len(list(folder.iterdir())) == 3
    assert purge_log_files.purge(clock.now()) == []
    assert not (installation.data / purge_log_files.JOURNAL).exists()


def test_killed_between_receipt_and_journal_it_is_signed_for_once(installation, monkeypatch):
    _lay(installation, 2)

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _unlink_but(purge_log_files.JOURNAL, die))
        with pytest.raises(Killed):
            purge_log_files.purge(clock.now())
    assert (installation.data / purge_log_files.JOURNAL).exists()

    assert purge_log_files.purge(clock.now()) == []
    assert _signed() == [2]
    assert not (installation.data / purge_log_files.JOURNAL).exists()


def _unlink_but(name, instead):
    really = Path.unlink
    return lambda path, **how: instead() if path.name == name else really(path, **how)


def test_with_the_database_away_the_files_go_and_the_receipt_comes_later(installation):
    folder = _lay(installation, 3)
    nowhere = {
        "TRUSTSVC_DATA": str(installation.data),
        "TRUSTSVC_DATABASE_URL": "postgresql://trustsvc@/none?host=/nowhere",
    }
    config.use(config.load(nowhere))
    with pytest.raises(OperationalError):
        purge_log_files.purge(clock.now())
    assert list(folder.iterdir()) == []
    _lay(installation, 2, days=91)
    with pytest.raises(OperationalError):
        purge_log_files.purge(clock.now() + timedelta(minutes=10))
    assert list(folder.iterdir()) == []

    config.use(installation)
    purge_log_files.purge(clock.now())

    assert _signed() == [3, 2]


@pytest.mark.slow
def test_two_at_once_count_each_file_once(installation):
    _lay(installation, 400)
    started = [_own(installation, "log", "purge") for _ in range(2)]
    assert [process.wait(PATIENCE_S) for process in started] == [0, 0]
    purge_log_files.purge(clock.now())

    assert sum(_signed()) == 400


@pytest.mark.parametrize("content", [b"", b"{", b'[{"at": 1}]', b"\xff" * 99])
def test_a_journal_that_cannot_be_read_stops_no_purge(installation, content):
    folder = _lay(installation, 1)
    (installation.data / purge_log_files.JOURNAL).write_bytes(content)

    purge_log_files.purge(clock.now())

    assert list(folder.iterdir()) == []
    assert _signed() == [1]


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=0", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("a small disk cannot be mounted here (it needs root)")
    yield place
    db.dispose_engines()
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_on_a_full_disk_the_files_go_and_are_signed_for(installation, small_disk, sqlite_template):
    data = small_disk / "data"
    data.mkdir()
    (data / "trustsvc.db").write_bytes(sqlite_template.read_bytes())
    (data / "keys").mkdir()
    for key in (installation.data / "keys").iterdir():
        (data / "keys" / key.name).write_bytes(key.read_bytes())
        (data / "keys" / key.name).chmod(0o600)
    settings = config.load({"TRUSTSVC_DATA": str(data)})
    config.use(settings)
    _signed()  # the database is open, as in a process that runs
    folder = _lay(settings, 3)
    (young,) = [_lay(settings, 1, days=88) / f"{clock.now() - 88 * DAY:{NAME}}.0"]
    for path in folder.iterdir():
        path.write_bytes(b"line\n" * 40_000)
    with contextlib.suppress(OSError), (data / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(b"x" * 1000)
    with pytest.raises(OSError):
        (data / "more").write_bytes(b"x" * 10_000)

    gone = purge_log_files.purge(clock.now())

    assert len(gone) == 3
    assert list(folder.iterdir()) == [young]
    assert _signed() == [3]


def test_a_file_that_cannot_go_is_not_signed_for(installation):
    folder = _lay(installation, 1)
    stuck = folder / f"{clock.now() - 95 * DAY:{NAME}}"
    stuck.mkdir()
    (stuck / "closed").mkdir()
    plans = installation.data / purge_log_files.JOURNAL

    purge_log_files.purge(clock.now())

    assert _signed() == [1]
    assert not plans.exists()
