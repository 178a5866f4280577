"""The service through PgBouncer, which lends few connections out for a transaction each."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy import event, text

from tests import servers
from tests.processes.conftest import free_port
from tests.waiting import PATIENCE_S
from tools.drill.drill import daytime_zone
from tools.drill.load import Load
from trustsvc import clock, config, migrations
from trustsvc.backup.database import dump
from trustsvc.doctor import stores
from trustsvc.errors import Refused
from trustsvc.storage import db, partitioning, vacuum

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.postgresql,
    pytest.mark.skipif(not PROGRAM, reason="pgbouncer is not installed (Debian: pgbouncer)"),
]
ORDERS, VISITS = 100, 40
FEW = 3
CONFIG = """
[databases]
* = host={postgres}
[pgbouncer]
listen_port = {port}
unix_socket_dir = {place}
logfile = {place}/pgbouncer.log
auth_type = any
pool_mode = transaction
default_pool_size = {few}
max_client_conn = 200
"""


@pytest.fixture
def pooled_url(postgres):
    """Give the URL of an empty database behind PgBouncer."""
    # Not below pytest's folders, which other users may not enter; and short: it holds a socket.
    folder = "/dev/shm" if servers.in_memory() else None
    place = Path(tempfile.mkdtemp(prefix="trustsvc-pgbouncer-", dir=folder))
    url, drop = servers.empty_database(postgres)
    name, port = url.partition("@/")[2].partition("?")[0], free_port()
    file = place / "pgbouncer.ini"
    users = CONFIG.replace("* =", f"{name} = user=trustsvc")
    file.write_text(users.format(postgres=postgres, port=port, place=place, few=FEW))
    as_other = []
    if os.getuid() == 0:  # it refuses to run as root
        as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for path in (place, file):
            shutil.chown(path, "postgres", "postgres")
    process = subprocess.Popen([*as_other, PROGRAM, "-q", str(file)], cwd="/")
    try:
        pooled = f"postgresql://trustsvc@/{name}?host={place}&port={port}"
        for _ in range(200):
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(pooled).close()
                break
            time.sleep(0.05)
        yield pooled
        assert "ERROR" not in (place / "pgbouncer.log").read_text()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(place, ignore_errors=True)
        drop()


@pytest.fixture
def service_environ(service_environ, pooled_url):
    return service_environ | {"TRUSTSVC_DATABASE_URL": pooled_url}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_all_processes_work_through_few_connections(service):
    shop = service.enrol(
        "standard", "--delay", "0", "--delay-unit", "minutes", "--zone", daytime_zone()
    )
    pages = (f"/s/{shop['shop']}", f"/badge/v1/{shop['shop']}.json", "/readyz", "/privacy")

    def visit(number):
        return requests.get(
            service.url + pages[number % len(pages)], timeout=PATIENCE_S
        ).status_code

    with Load(shop, threads=12, pause_s=0.1) as load, ThreadPoolExecutor(4) as visitors:
        seen = list(visitors.map(visit, range(VISITS)))
        service.until(lambda: len(load.acknowledged) >= ORDERS)
    assert max(seen) < 500, sorted(set(seen))
    assert {status for status, _, _ in load.answers} == {202}
    accepted = len(load.acknowledged)
    service.until(lambda: len(list(service.data.glob("mail/new/*"))) == accepted)
    assert '"level": "error"' not in service.log.read_text()
    assert "Traceback" not in service.log.read_text()


@pytest.fixture
def pooled(pooled_url, tmp_path):
    environ = {"TRUSTSVC_DATABASE_URL": pooled_url, "TRUSTSVC_DATA": str(tmp_path)}
    config.use(config.load(environ))
    migrations.upgrade()
    yield
    db.dispose_engines()
    config.use(None)


def test_nothing_of_ours_stays_in_a_connection_that_others_get(pooled, tmp_path):
    statements = []
    event.listen(db.engine(), "before_cursor_execute", lambda *a: statements.append(a[2]))
    for _ in range(10):
        with db.transaction() as session:
            assert session.scalar(text("SHOW lock_timeout")) == "10s"
    assert stores.database(clock.now())[0].detail.startswith(
        "postgresql through a connection pooler"
    )
    with pytest.raises(Refused, match="the address of PostgreSQL itself"):
        dump(tmp_path / "dump")
    with pytest.raises(Refused, match="the address of PostgreSQL itself"):
        partitioning.partition("decision_log")
    assert vacuum.scrub()
    assert vacuum.rebuild(with_large=True)
    with db.transaction() as session:
        session.execute(text("LOCK TABLE messages"))
        assert not vacuum.scrub()

    settings = [one for one in statements if one.startswith("SET ")]
    assert settings
    assert all(one.startswith("SET LOCAL ") for one in settings)
    with psycopg.connect(config.current().database_url.replace("+psycopg", "")) as other:
        assert other.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
        assert other.execute("SHOW lock_timeout").fetchone() == ("0",)
