"""A replica that hangs ends no page and holds up none for long: its processes are stopped."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests import replicated
from trustsvc.storage import connections, db, replica

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with replicated.two_servers(tmp_path_factory.mktemp("hang")) as found:
        yield found


@pytest.fixture
def installed(tmp_path, both, redis_server, keys_template):
    with replicated.installation(tmp_path, both, redis_server, keys_template) as settings:
        yield settings


def processes_of(place):
    """Give the ids of a server's processes, its own first."""
    (first, *_) = Path(place, "data", "postmaster.pid").read_text().split()
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", first], capture_output=True, check=True
    )
    return [int(first), *map(int, children.stdout.split())]


@contextlib.contextmanager
def stopping(place):
    """Give what stops a server's processes; they go on at the end."""
    stopped = []

    def stop():
        for process in processes_of(place):
            with contextlib.suppress(ProcessLookupError):  # of a connection that just ended
                os.kill(process, signal.SIGSTOP)
                stopped.append(process)

    try:
        yield stop
    finally:
        for process in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def is_on_replica(_=None):
    with db.reading() as session:
        return session.scalar(text("SELECT pg_is_in_recovery()"))


def test_a_replica_that_hangs_before_a_page_is_left(installed, both, capsys):
    assert replica.read_page(is_on_replica)
    with stopping(both[1]) as stop:
        stop()
        assert not replica.read_page(is_on_replica)
        assert not replica.read_page(is_on_replica)

    assert "".join(capsys.readouterr()).count("replica.away") == 1


def test_a_replica_that_hangs_within_a_page_is_left(installed, both, monkeypatch, capsys):
    monkeypatch.setattr(replica, "PAGE_S", 1.0)
    with stopping(both[1]) as stop:

        def page():
            if is_on_replica():
                stop()
            return is_on_replica()

        with replicated.reading_by(installed.database_replica_url + "&application_name=x"):
            assert not replica.read_page(page)

    assert "replica.away" in "".join(capsys.readouterr())


def test_a_connection_that_ends_in_time_leaves_nothing_open(installed):
    source = connections.open_limited_engine(installed.database_replica_url, 3600.0)

    def handles():
        with source.connect() as connection:
            connection.execute(text("SELECT 1"))
        return len(list(Path("/proc/self/fd").iterdir()))

    assert len({handles() for _ in range(5)}) == 1


def test_a_statement_that_takes_longer_ends(installed):
    source = connections.open_limited_engine(installed.database_replica_url, 0.5)
    with pytest.raises(OperationalError), source.connect() as connection:
        connection.execute(text("SELECT pg_sleep(3600)"))
