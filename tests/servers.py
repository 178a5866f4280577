"""Real servers for tests: PostgreSQL and a Redis-compatible one, on sockets of our own."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.waiting import PATIENCE_S
from trustsvc import config, migrations
from trustsvc.storage import db
from trustsvc.work_queue import embedded_redis

# What is lost with the machine is of no worth; each connection counts on two cores.
SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=32MB",
    "max_connections=120",
)


def in_memory() -> bool:
    """Say whether there is a file system in memory with room for what the tests write."""
    room = Path("/dev/shm")
    return os.access(room, os.W_OK) and shutil.disk_usage(room).free > 2 * 1024**3


def _postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    return Path(program).parent if program else None


def postgres(
    place: Path, settings: Sequence[str] = SETTINGS, *, on_disk: bool = False
) -> Iterator[str]:
    """Start PostgreSQL; yields a URL without a database name. Skips by name where it is missing."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = "/dev/shm" if in_memory() and not on_disk else None
    place = Path(tempfile.mkdtemp(prefix="trustsvc-pg-", dir=folder))  # short: it holds a socket
    as_other: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(place, "postgres", "postgres")
        as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = place / "data"
    run = [
        *as_other,
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        "trustsvc",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL, cwd=place)
    server = subprocess.Popen(
        [
            *as_other,
            str(programs / "postgres"),
            "-D",
            str(data),
            "-k",
            str(place),
            "-h",
            "",
            *(part for setting in settings for part in ("-c", setting)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place,
    )
    try:
        _wait_for_postgres(place)
        _execute(place, "CREATE DATABASE template_trustsvc")
        config.use(
            config.load(
                {
                    "TRUSTSVC_DATABASE_URL": _url(place, "template_trustsvc"),
                    "TRUSTSVC_DATA": str(place / "unused"),
                }
            )
        )
        migrations.upgrade()
        db.dispose_engines()
        config.use(None)
        yield str(place)
    finally:
        if link := _links.pop(place, None):
            link.close()
        if known := _reused.pop(str(place), None):
            known.link.close()
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE_S)
        shutil.rmtree(place, ignore_errors=True)


# Of a server that a replica streams from.
STREAMING = (
    "fsync=off",
    "wal_level=replica",
    "max_wal_senders=4",
    "shared_buffers=32MB",
    "max_connections=60",
)


@contextlib.contextmanager
def replica(place: str) -> Iterator[str]:
    """Start a streaming replica of a server with the settings STREAMING; gives its folder."""
    programs = _postgres_programs()
    assert programs is not None
    own = Path(tempfile.mkdtemp(prefix="trustsvc-pg-", dir=Path(place).parent))
    as_other: list[str] = []
    if os.getuid() == 0:
        shutil.chown(own, "postgres", "postgres")
        as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    copy = [str(programs / "pg_basebackup"), "-D", str(own / "data"), "-h", place]
    options = ["-U", "trustsvc", "-R", "-X", "stream", "-c", "fast", "--no-sync"]
    subprocess.run([*as_other, *copy, *options], check=True, cwd=own)
    server = subprocess.Popen(
        [
            *as_other,
            *(str(programs / "postgres"), "-D", str(own / "data"), "-k", str(own), "-h", ""),
            *(part for setting in STREAMING for part in ("-c", setting)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=own,
    )
    try:
        _wait_for_postgres(own)
        yield str(own)
    finally:
        if link := _links.pop(own, None):
            link.close()
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE_S)
        shutil.rmtree(own, ignore_errors=True)


def fresh_database(place: str) -> tuple[str, Callable[[], None]]:
    """Copy the migrated template; gives its URL and how to drop it."""
    return _create(place, "TEMPLATE template_trustsvc STRATEGY file_copy")


def reused_database(place: str) -> str:
    """Give the URL of one database again and again, emptied of what the test before left in it.

    It is a fresh copy of the template where a test changed the schema or its settings.
    """
    known = _reused.get(place)
    if known is None or not known.empty():
        if known:
            known.link.close()
            _execute(Path(place), f"DROP DATABASE {known.name} WITH (FORCE)")
        name = f"test_{uuid.uuid4().hex}"
        _execute(Path(place), f"CREATE DATABASE {name} TEMPLATE template_trustsvc")
        known = _reused[place] = _Reused(place, name)
    return _url(Path(place), known.name)


class _Reused:
    """A database that tests of one process use one after another."""

    def __init__(self, place: str, name: str) -> None:
        self.name = name
        self.link = psycopg.connect(_url(Path(place), name), autocommit=True)
        self._schema = self._read_schema()

    def empty(self) -> bool:
        """Empty its tables, with what PostgreSQL knows of their values; False where it cannot."""
        try:
            self.link.execute(_END_OTHERS)
            if self._read_schema() != self._schema:
                return False
            self.link.execute(_EMPTY)
        except psycopg.Error:
            return False
        return True

    def _read_schema(self) -> object:
        return self.link.execute(_SCHEMA).fetchone()


_reused: dict[str, _Reused] = {}
_END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
_SCHEMA = """
WITH ours AS (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT (SELECT array_agg(oid ORDER BY oid) FROM ours),
       (SELECT count(*) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM ours)),
       (SELECT array_agg(oid ORDER BY oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_db_role_setting),
       (SELECT version_num FROM alembic_version)
"""
# A table of up to ten pages, as small as the planner takes an empty one to be, loses its rows; to
# truncate it would make every connection read again what the catalogue says of it.
_EMPTY = """
DO $$
DECLARE
  one regclass;
  large text[] := '{}';
  found boolean;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relname <> 'alembic_version'
             AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0 LOOP
    IF pg_relation_size(one) > 10 * 8192 THEN large := large || one::text;
    ELSE EXECUTE format('DELETE FROM %s', one);
    END IF;
  END LOOP;
  IF large <> '{}' THEN
    EXECUTE 'TRUNCATE ' || array_to_string(large, ', ') || ' CASCADE';
  END IF;
  FOR one IN SELECT oid FROM pg_class WHERE relkind = 'S'
             AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('SELECT is_called FROM %s', one) INTO found;
    IF found THEN PERFORM setval(one, 1, false); END IF;
  END LOOP;
  DELETE FROM pg_statistic WHERE starelid >= 16384;
END $$
"""


def empty_database(place: str) -> tuple[str, Callable[[], None]]:
    """Make a database without a table; gives its URL and how to drop it."""
    return _create(place, "TEMPLATE template0")


def _create(place: str, options: str) -> tuple[str, Callable[[], None]]:
    name = f"test_{uuid.uuid4().hex}"
    _execute(Path(place), f"CREATE DATABASE {name} {options}")

    def drop() -> None:
        _execute(Path(place), f"DROP DATABASE {name} WITH (FORCE)")

    return _url(Path(place), name), drop


def _url(place: Path, name: str) -> str:
    return f"postgresql://trustsvc@/{name}?host={place}"


_links: dict[Path, psycopg.Connection] = {}


def _execute(place: Path, statement: str) -> None:
    """Run a statement of the server itself; the connection is kept for the next one."""
    link = _links.get(place)
    if link is None or link.closed or link.broken:
        address = f"host={place} user=trustsvc dbname=postgres"
        link = _links[place] = psycopg.connect(address, autocommit=True)
    link.execute(statement)


def _wait_for_postgres(place: Path) -> None:
    for _ in range(2400):
        with contextlib.suppress(psycopg.OperationalError):
            _execute(place, "SELECT 1")
            return
        time.sleep(0.05)
    raise TimeoutError("PostgreSQL did not start")


def redis(place: Path) -> Iterator[str]:
    """Start the embedded Redis-compatible server; yields its URL."""
    place = Path(tempfile.mkdtemp(prefix="trustsvc-redis-"))
    socket = place / "redis.sock"
    server = subprocess.Popen(
        embedded_redis.command(place, socket), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        embedded_redis.wait_for(socket)
        yield f"unix://{socket}"
    finally:
        server.terminate()
        server.wait(PATIENCE_S)
        shutil.rmtree(place, ignore_errors=True)
