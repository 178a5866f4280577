"""What a machine runs out of, under load: nothing acknowledged is lost, and it gets well by itself.

Each fault is made for real, on the real processes, while shops keep posting; what was acknowledged
is compared with the database at the end.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy import select, true

from tests.waiting import PATIENCE_S
from tools.drill.load import THREADS, Load
from trustsvc import config
from trustsvc.orders.models import orders
from trustsvc.storage import db

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.processes,
    pytest.mark.slow,
]
FAULT_S = 4
sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
postgres_only = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of some megabytes where the data folder will be."""
    place = tmp_path / "data"
    place.mkdir()
    if os.getuid() or not shutil.which("mount"):
        pytest.skip("only root may mount a disk of its own")
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no disk may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def stored(service, *states):
    """Give the references of the orders that are in the database, of any state or of these."""
    ours = {name: value for name, value in service.environ.items() if name.startswith("TRUSTSVC_")}
    config.use(config.load(ours))
    try:
        with db.reading() as session:
            chosen = orders.c.state.in_(states) if states else true()
            return set(session.scalars(select(orders.c.reference).where(chosen)))
    finally:
        db.dispose_engines()
        config.use(None)


def survives(service, fault, *, answers=(202, 503), shows=None):
    """Post before, during and after a fault, which lasts until the statuses show it."""
    shop = service.enrol("standard")
    with Load(shop, pause_s=0.2) as load, ThreadPoolExecutor() as visitors:
        service.until(lambda: len(load.acknowledged) > 20)
        with fault():
            began = len(load.answers)
            urls = other_urls(service, shop)
            others = [visitors.submit(get_status, url) for url in urls]
            time.sleep(FAULT_S)
            others += [visitors.submit(get_status, url) for url in urls]
            if shows:
                service.until(lambda: shows([status for status, _, _ in load.answers[began:]]))
        before = len(load.acknowledged)
        service.until(lambda: len(load.acknowledged) > before + 20)
    assert load.wrong == []
    assert 500 not in {other.result() for other in others}
    assert {status for status, _, _ in load.answers} <= set(answers)
    assert all(waits for status, waits, _ in load.answers if status == 503)
    assert set(load.acknowledged) - stored(service) == set()
    service.until(service.is_ready)
    service.until(lambda: not stored(service, "received"))
    assert "Traceback" not in service.log.read_text()


def other_urls(service, shop):
    paths = (f"/s/{shop['shop']}", f"/badge/v1/{shop['shop']}.json", "/me/x", "/readyz")
    return [f"{service.url}{path}" for path in paths]


def get_status(url):
    """Give the status of an answer; None where nobody could be reached."""
    try:
        return requests.get(url, timeout=PATIENCE_S).status_code
    except requests.RequestException:
        return None


def refuses_some(statuses):
    return 503 in statuses


def refuses_all_but_what_was_under_way(statuses):
    return statuses.count(503) > THREADS >= statuses.count(202)


def serving(service):
    """Give the id of the process that answers: a child of the web server's keeper."""
    web = service.children()["web"]
    return int(Path(f"/proc/{web}/task/{web}/children").read_text().split()[0])


@sqlite_only
def test_a_full_disk(small_disk, service):
    survives(service, lambda: full(small_disk), shows=refuses_some)


@contextlib.contextmanager
def full(disk):
    """Fill a disk, also with what others free meanwhile (a write-ahead log that was emptied)."""
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        fill(ballast)
        ended = threading.Event()
        filler = threading.Thread(target=keep_full, args=(ballast, ended), daemon=True)
        filler.start()
        try:
            yield
        finally:
            ended.set()
            filler.join()
            (disk / "ballast").unlink()


def fill(ballast):
    with contextlib.suppress(OSError):
        while ballast.write(b" " * 4096):
            pass


def keep_full(ballast, ended):
    while not ended.wait(0.05):
        fill(ballast)


def tells_of_a_full_disk(service):
    """Give the status of the answer that does; a web process shows what it knew a second ago."""
    answer = requests.get(f"{service.url}/readyz", timeout=PATIENCE_S)
    is_full = answer.json()["checks"]["disk"] == "full or not writable"
    return answer.status_code if is_full else None


@sqlite_only
def test_readyz_and_doctor_tell_of_a_full_disk(small_disk, service):
    with full(small_disk):
        status = service.until(lambda: tells_of_a_full_disk(service))
        command = [sys.executable, "-m", "trustsvc", "doctor", "--json"]
        doctor = subprocess.run(command, env=service.environ, capture_output=True, check=False)

    assert status == 503
    assert doctor.returncode == 1
    levels = {one["check"]: one["level"] for one in json.loads(doctor.stdout)}
    assert levels["disk"] == "FAIL"
    service.until(service.is_ready)


@sqlite_only
def test_a_disk_that_became_read_only(shared_service):
    """Immutable files: what is open cannot be written either, as on a disk with errors."""
    files = [path for path in shared_service.data.rglob("*") if path.is_file()]
    folders = [
        shared_service.data,
        *(path for path in shared_service.data.rglob("*") if path.is_dir()),
    ]

    @contextlib.contextmanager
    def read_only():
        places = list(map(str, [*files, *folders]))
        if subprocess.run(["chattr", "+i", *places], check=False).returncode:
            subprocess.run(["chattr", "-i", *places], check=False)
            pytest.skip("files cannot be made immutable here")
        try:
            yield
        finally:
            subprocess.run(["chattr", "-i", *places], check=True)

    if os.getuid() or not shutil.which("chattr"):
        pytest.skip("only root may make files immutable")
    # Its shared memory is a mapped file: SIGBUS may end the web server, which is back in a second.
    survives(
        shared_service,
        read_only,
        answers=(202, 503, None),
        shows=refuses_all_but_what_was_under_way,
    )


@sqlite_only
def test_a_database_that_another_process_holds(shared_service):
    hold = (
        "import sqlite3, sys\n"
        "link = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n"
        "link.execute('BEGIN EXCLUSIVE')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )

    @contextlib.contextmanager
    def held():
        command = [sys.executable, "-c", hold, str(shared_service.data / "trustsvc.db")]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
            assert holder.stdout.readline() == "held\n"
            yield
            holder.stdin.close()

    survives(shared_service, held, shows=refuses_all_but_what_was_under_way)


def test_no_file_handle_left(shared_service):
    """Of who cannot connect nothing is promised but that nothing is said to be kept."""
    pid = serving(shared_service)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)

    @contextlib.contextmanager
    def exhausted():
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used - 4, before[1]))
        yield
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    survives(shared_service, exhausted, answers=(202, 503, None))
    assert serving(shared_service) == pid


@contextlib.contextmanager
def asked(service, place, name="postgres"):
    with psycopg.connect(f"host={place} user=trustsvc dbname={name}", autocommit=True) as link:
        yield link


def name_of(service):
    return service.environ["TRUSTSVC_DATABASE_URL"].partition("@/")[2].partition("?")[0]


@postgres_only
def test_postgresql_shuts_its_endpoints_and_ends_every_connection(shared_service, postgres):
    name = name_of(shared_service)

    @contextlib.contextmanager
    def closed():
        with asked(shared_service, postgres) as link:
            link.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            link.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
            link.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    survives(shared_service, closed, shows=refuses_some)


@postgres_only
def test_postgresql_has_no_connection_left(shared_service, postgres):
    name = name_of(shared_service)

    @contextlib.contextmanager
    def crowded():
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(asked(shared_service, postgres))
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    stack.enter_context(asked(shared_service, postgres))
            first.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    stack.enter_context(asked(shared_service, postgres))
            yield

    survives(shared_service, crowded)


@postgres_only
def test_postgresql_gives_no_time(shared_service, postgres):
    name = name_of(shared_service)

    @contextlib.contextmanager
    def hasty():
        with asked(shared_service, postgres) as link:
            for limit in ("1ms", "0"):
                link.execute(f"ALTER DATABASE {name} SET statement_timeout = '{limit}'")
                link.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [name],
                )
                if limit != "0":
                    yield

    survives(shared_service, hasty)


@postgres_only
def test_postgresql_became_read_only(shared_service, postgres):
    name = name_of(shared_service)

    @contextlib.contextmanager
    def read_only():
        with asked(shared_service, postgres) as link:
            for said in ("on", "off"):
                link.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {said}")
                link.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [name],
                )
                if said == "on":
                    yield

    survives(shared_service, read_only, shows=refuses_some)


@postgres_only
def test_a_table_that_somebody_else_holds(shared_service, postgres):
    @contextlib.contextmanager
    def locked():
        with psycopg.connect(
            f"host={postgres} user=trustsvc dbname={name_of(shared_service)}"
        ) as link:
            link.execute("LOCK TABLE orders")
            yield
            link.rollback()

    survives(shared_service, locked, shows=refuses_some)


@postgres_only
def test_postgresql_stands_still(shared_service, postgres):
    keeper = int((Path(postgres) / "data" / "postmaster.pid").read_text().split()[0])
    if os.getuid():
        pytest.skip("only root may stop the processes of another user")

    @contextlib.contextmanager
    def frozen():
        children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        everyone = [keeper, *map(int, children)]
        try:
            for pid in everyone:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in reversed(everyone):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    survives(shared_service, frozen)
