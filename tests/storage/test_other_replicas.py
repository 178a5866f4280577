"""A replica that is not one of this database, and one that cannot answer, are not read from."""

import re
import threading

import pytest
from sqlalchemy import text

from tests import replicated, servers
from tests.invitations import sample_orders
from tests.waiting import until
from trustsvc import config
from trustsvc.doctor import database_replica
from trustsvc.storage import db, replica

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with replicated.two_servers(tmp_path_factory.mktemp("replica")) as found:
        yield found


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    with replicated.two_servers(tmp_path_factory.mktemp("other")) as found:
        yield found


@pytest.fixture
def installed(tmp_path, both, redis_server, keys_template):
    with replicated.installation(tmp_path, both, redis_server, keys_template) as settings:
        yield settings


def execute(url, *statements):
    with db.engine_of(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return [connection.exec_driver_sql(one) for one in statements]


def written_in(url):
    """Write to another database until its log is longer than ours."""

    def is_longer():
        execute(url, "SELECT pg_switch_wal()", "CREATE TABLE IF NOT EXISTS x (a int)")
        execute(url, "INSERT INTO x VALUES (1)")
        return position(url) > position(config.current().database_url)

    until(is_longer)


def position(url):
    (found,) = execute(url, "SELECT pg_current_wal_lsn() - '0/0'")
    return found.scalar()


def is_refused(capsys, reason):
    """Say whether pages, log and doctor agree that the replica is not read from, and why."""
    capsys.readouterr()
    page = replica.read_page(replicated.is_on_replica)
    logged = "".join(capsys.readouterr())
    (found,) = database_replica.database_replica()
    return (
        not page
        and re.search(rf"replica\.refused.*{reason}|{reason}.*replica\.refused", logged)
        and found.level == "WARN"
        and found.detail == database_replica.REFUSALS[reason][0]
    )


def caught_up_with(url):
    """Wait until the replica has replayed what the server of this URL has written."""
    wanted = position(url)
    until(lambda: replicated.on_replica("SELECT pg_last_wal_replay_lsn() - '0/0'") >= wanted)


def test_another_database_of_the_same_server_is_refused(installed, both, capsys):
    url, drop = servers.fresh_database(both[0])
    try:
        with replicated.reading_by(url.replace(*both)):
            until(lambda: servers_database(url.replace(*both)))
            caught_up_with(installed.database_url)
            assert is_refused(capsys, "database")
    finally:
        db.dispose_engines()
        drop()


def servers_database(url):
    try:
        return execute(url, "SELECT 1")
    except Exception:  # noqa: BLE001 - it has not replayed its creation
        return None


def test_a_replica_of_another_server_is_refused(others, installed, capsys):
    url, _ = servers.fresh_database(others[0])
    written_in(url)
    with replicated.reading_by(url.replace(*others)):
        until(lambda: servers_database(url.replace(*others)))
        caught_up_with(url)
        assert is_refused(capsys, "cluster")


def test_the_database_itself_is_no_replica(installed, capsys):
    with replicated.reading_by(installed.database_url):
        assert is_refused(capsys, "promoted")


def test_after_a_promotion_only_who_follows_it_is_read_from(installed, both, capsys):
    old = both[0]
    with servers.replica(old) as new, servers.replica(old) as follower:
        url = installed.database_url.replace(old, new)
        until(lambda: position_replayed(url) >= position(installed.database_url))
        execute(url, "SELECT pg_promote()")
        conninfo = f"host={new} user=trustsvc"
        execute(
            url.replace(new, follower),
            f"ALTER SYSTEM SET primary_conninfo = '{conninfo}'",
            "SELECT pg_reload_conf()",
        )
        with replicated.reading_by(url.replace(new, follower), url):
            replicated.catch_up()
            assert replica.read_page(replicated.is_on_replica)
        execute(installed.database_url, "CREATE TABLE y (a int)")
        until(lambda: ahead(installed.database_url, url))
        with replicated.reading_by(installed.database_replica_url, url):
            caught_up_with(installed.database_url)
            assert is_refused(capsys, "timeline")
        db.dispose_engines()


def position_replayed(url):
    (found,) = execute(url, "SELECT pg_last_wal_replay_lsn() - '0/0'")
    return found.scalar()


def ahead(url, other):
    execute(url, "SELECT pg_switch_wal()", "INSERT INTO y VALUES (1)")
    return position(url) > position(other)


def test_a_role_that_may_not_see_what_the_replica_is(installed, capsys):
    functions = "FUNCTION pg_control_checkpoint()"
    execute(
        installed.database_url,
        "CREATE ROLE blind LOGIN",
        f"REVOKE EXECUTE ON {functions} FROM PUBLIC",
    )
    try:
        replicated.catch_up()
        with replicated.reading_by(role_of(installed, "blind")):
            assert is_refused(capsys, "unreadable")
    finally:
        execute(
            installed.database_url, f"GRANT EXECUTE ON {functions} TO PUBLIC", "DROP ROLE blind"
        )


def role_of(settings, name):
    return settings.database_replica_url.replace("trustsvc@", f"{name}@")


def test_a_role_that_may_not_read_our_tables(installed, capsys):
    execute(installed.database_url, "CREATE ROLE reader LOGIN")
    sample_orders.shop()
    replicated.catch_up()
    try:
        with replicated.reading_by(role_of(installed, "reader")):
            assert replica.read_page(replicated.shops) == 1
            (found,) = database_replica.database_replica()
    finally:
        execute(installed.database_url, "DROP ROLE reader")

    assert found.detail == "it does not answer a read: InsufficientPrivilege"
    assert "InsufficientPrivilege" in "".join(capsys.readouterr())


def test_tables_that_the_replica_does_not_have_yet_are_read_from_the_database(
    installed, monkeypatch, capsys
):
    monkeypatch.setattr(replica, "MAX_LATE_S", 3600.0)
    replica.read_page(replicated.shops)  # notes how far the database is
    replicated.replay(paused=True)
    execute(installed.database_url, "CREATE TABLE younger AS SELECT 7 AS a")

    def page():
        with db.reading() as session:
            return session.scalar(text("SELECT a FROM younger"))

    assert replica.read_page(page) == 7
    assert "UndefinedTable" in "".join(capsys.readouterr())


def test_one_page_at_a_time_tries_a_replica_that_failed(installed, monkeypatch):
    monkeypatch.setattr(replica, "UNASKED_S", 0.0)
    with replicated.reading_by("postgresql://trustsvc@/x?host=/nonexistent"):
        replica.read_page(replicated.is_on_replica)
    replica._pause()
    is_inside, may_end = threading.Event(), threading.Event()
    found = []

    def page():
        is_inside.set()
        may_end.wait()
        return replicated.is_on_replica()

    trying = threading.Thread(target=lambda: found.append(replica.read_page(page)))
    trying.start()
    is_inside.wait()
    try:
        assert not replica.read_page(replicated.is_on_replica)
    finally:
        may_end.set()
        trying.join()
    assert found == [True]
    assert replica.read_page(replicated.is_on_replica)
