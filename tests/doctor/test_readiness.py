"""Each readiness check tries what it reports on."""

import resource
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import text

from tests.invitations import sample_orders
from tests.waiting import PATIENCE_S
from trustsvc import clock
from trustsvc.crypto import keyring
from trustsvc.doctor import readiness
from trustsvc.storage import connections, db

pytestmark = pytest.mark.both_databases
ORDINARY_WAIT_S = 60.0
sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def status(name):
    return readiness.READINESS_CHECKS[name](clock.now()).status


def test_all_is_well(installation):
    readiness.record_keys()

    assert {name: status(name) for name in readiness.READINESS_CHECKS} == dict.fromkeys(
        readiness.READINESS_CHECKS, "ok"
    )


def test_a_file_size_limit_fails_like_a_full_disk(installation):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        assert status("disk") == "full or not writable"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert status("disk") == "ok"


@sqlite_only
def test_a_database_that_cannot_be_written_fails_the_write(installation):
    assert status("write") == "ok"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        assert status("write") == "fails: orders are refused"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert status("write") == "ok"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_read_only_server_fails_the_write(installation):
    name = db.engine().url.database
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    db.dispose_engines()

    assert status("write") == "fails: orders are refused"


@sqlite_only
def test_a_lock_that_another_process_keeps_is_waited_for_a_second(installation, monkeypatch):
    path = db.engine().url.database
    monkeypatch.setattr(db, "_committed_at", float("-inf"))
    monkeypatch.setattr(connections, "LOCK_TIMEOUT_S", ORDINARY_WAIT_S)
    db.dispose_engines()
    began = time.monotonic()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert status("write") == "locked"
        other.execute("ROLLBACK")
    assert time.monotonic() - began < ORDINARY_WAIT_S  # as every other writer waits
    assert status("write") == "ok"


@sqlite_only
def test_a_lock_of_our_own_processes_is_waited_for_a_second(installation, monkeypatch):
    monkeypatch.setattr(db, "_committed_at", float("-inf"))
    path = db.engine().url.database.replace(".db", ".lock")
    hold = (
        "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", hold, path]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as holder:
        holder.stdout.readline()
        assert status("write") == "locked"
        holder.stdin.close()
    assert status("write") == "ok"


@sqlite_only
def test_a_process_that_wrote_lately_is_not_called_locked_by_its_own_writers(installation):
    assert status("write") == "ok"
    inside, leave = threading.Event(), threading.Event()

    def write():
        with db.transaction():
            inside.set()
            leave.wait(PATIENCE_S)

    thread = threading.Thread(target=write)
    thread.start()
    inside.wait(PATIENCE_S)
    assert status("write") == "ok"
    leave.set()
    thread.join()


@pytest.mark.parametrize("kind", ["vault", "registry", "lookup"])
def test_keys_of_another_database_are_reported(installation, kind):
    sample_orders.shop()
    readiness.record_keys()
    (installation.data / "keys" / kind).unlink()
    keyring.make_all()

    assert status("keys") == "not those of this database"
    assert kind in readiness.keys(clock.now()).findings[0].detail
    readiness.record_keys()
    assert status("keys") == "not those of this database"


def test_foreign_keys_are_never_recorded_as_those_of_a_database_of_before(installation):
    sample_orders.shop()  # its secret is encrypted, and there are no check values yet
    for kind in keyring.KINDS:
        (installation.data / "keys" / kind).unlink()
    keyring.make_all()

    readiness.record_keys()

    assert status("keys") == "not those of this database"


def test_a_damaged_key_file_is_reported(installation):
    (installation.data / "keys" / "lookup").write_text("nonsense")

    assert status("keys") == "unreadable"
