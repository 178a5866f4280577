"""What is read from a replica, and when it is not: with PostgreSQL's own streaming replication.

Also tests:
trustsvc/doctor/database_replica.py
"""

import pytest
from sqlalchemy import text

from tests import replicated
from tests.invitations import sample_orders
from trustsvc import config
from trustsvc.doctor import database_replica
from trustsvc.errors import Misconfigured
from trustsvc.storage import db, replica

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

AWAY = "postgresql://trustsvc@/x?host=/nonexistent"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with replicated.two_servers(tmp_path_factory.mktemp("replica")) as found:
        yield found


@pytest.fixture
def installed(tmp_path, both, redis_server, keys_template):
    with replicated.installation(tmp_path, both, redis_server, keys_template) as settings:
        yield settings


def test_a_page_is_read_from_a_replica_that_has_everything(installed):
    assert replica.read_page(replicated.is_on_replica)
    assert not replicated.is_on_replica()


def test_a_write_in_a_page_goes_to_the_database(installed):
    def page():
        sample_orders.shop()
        return replicated.is_on_replica()

    assert replica.read_page(page)
    assert replicated.shops() == 1


def test_a_replica_that_is_late_is_left_until_it_has_caught_up(installed, monkeypatch):
    monkeypatch.setattr(replica, "MAX_LATE_S", 0.0)
    replicated.replay(paused=True)
    sample_orders.shop()

    assert not replica.read_page(replicated.is_on_replica)
    assert replica.read_page(replicated.shops) == 1

    replicated.replay(paused=False)
    replicated.catch_up()
    assert replica.read_page(replicated.is_on_replica)


def test_the_doctor_says_whether_the_desk_is_read_from_the_replica(installed, monkeypatch):
    monkeypatch.setattr(replica, "MAX_LATE_S", 0.0)
    found = [database_replica.database_replica()[0]]
    replicated.replay(paused=True)
    sample_orders.shop()
    found += database_replica.database_replica()
    replicated.replay(paused=False)
    with replicated.reading_by(AWAY):
        found += database_replica.database_replica()

    assert [one.level for one in found] == ["OK", "WARN", "WARN"]
    assert [one.detail.partition(",")[0] for one in found[1:]] == [
        "it is late",
        "it does not answer",
    ]


def test_what_was_committed_within_the_last_seconds_may_be_missing(installed, monkeypatch):
    monkeypatch.setattr(replica, "MAX_LATE_S", 3600.0)
    assert replica.read_page(replicated.shops) == 0  # notes how far the database is
    replicated.replay(paused=True)
    sample_orders.shop()

    assert replica.read_page(replicated.is_on_replica)
    assert replica.read_page(replicated.shops) == 0
    assert replicated.shops() == 1


def test_what_a_replica_ends_midway_is_read_from_the_database(installed, capsys):
    def page():
        with db.reading() as session:
            if session.scalar(text("SELECT pg_is_in_recovery()")):
                session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            return "read"

    assert replica.read_page(page) == "read"
    assert "replica.away" in "".join(capsys.readouterr())
    assert not replica.read_page(replicated.is_on_replica)  # it is not asked for a while


def test_a_replica_that_is_away_costs_one_question(installed, tmp_path, capsys):
    with replicated.reading_by(f"postgresql://trustsvc@/x?host={tmp_path}"):
        assert [replica.read_page(replicated.is_on_replica) for _ in range(3)] == [False] * 3

    assert "".join(capsys.readouterr()).count("replica.away") == 1


@pytest.mark.parametrize("url", ["sqlite:////x/y.db", "mysql://h/x", "postgresql:h"])
def test_only_postgresql_has_replicas(url):
    environ = {"TRUSTSVC_DATABASE_URL": "postgresql://h/x", "TRUSTSVC_DATABASE_REPLICA_URL": url}
    with pytest.raises(Misconfigured, match="must begin with postgresql://"):
        config.load(environ)


def test_a_replica_of_sqlite_is_refused():
    with pytest.raises(Misconfigured, match="needs a TRUSTSVC_DATABASE_URL of PostgreSQL"):
        config.load({"TRUSTSVC_DATABASE_REPLICA_URL": "postgresql://h/x"})
