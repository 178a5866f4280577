"""What all tests stand on: a fresh installation each, with a real database and a real Redis.

A test runs on SQLite. It runs on PostgreSQL as well where it is marked `both_databases`, and a
module is marked where it tests SQL of ours: use cases that write, lock, lease, upsert, count or
purge; the storage package, migrations, backup and restore; one flow each of real processes, and the
proofs. Not marked: routes, pages, texts, command lines, parsers, rendering. What only they read by
SQL gets one marked test. A test of one database alone parametrises `database` itself.

What is marked `proof` runs by `make proofs`, not by `make test`.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests import rate_limits, servers
from trustsvc import config, message_kinds, migrations
from trustsvc.app import create_app, with_middleware
from trustsvc.badge import public_files
from trustsvc.crypto import keyring
from trustsvc.storage import connections, db
from trustsvc.work_queue import job_queue

message_kinds.register()
gc.disable()  # till all is imported and collected: none of that is garbage

# A loaded machine is ten times slower: a time-out judges it and not the code.
hypothesis.settings.register_profile(
    "trustsvc", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
# make quick: a first look, not the proof.
hypothesis.settings.register_profile(
    "quick", hypothesis.settings.get_profile("trustsvc"), max_examples=15
)
hypothesis.settings.load_profile("trustsvc")

for variable in [name for name in os.environ if name.startswith("TRUSTSVC_")]:
    del os.environ[variable]
# A test without an installation must not find what lies in the folder it runs in, nor leave any.
_nowhere = tempfile.TemporaryDirectory(prefix="trustsvc-no-installation-")
os.environ["TRUSTSVC_DATA"] = _nowhere.name
if servers.in_memory():  # every commit waits for the disk, else
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")


open_engine_alone = connections.open_engine  # with a dialect, and its events, of its own
_warm: dict[str, Engine] = {}
_open: dict[str, Engine] = {}  # of a PostgreSQL database that the next test uses too


@pytest.fixture(scope="session", autouse=True)
def _share_compiled_statements() -> Iterator[None]:
    """Let engines of one kind share what SQLAlchemy compiled: each test opens an engine again."""

    def open_engine(url: str) -> Engine:
        engine = open_engine_alone(url)
        first = _warm.get(engine.dialect.name)
        if first is not None:
            engine.dialect = first.dialect
            engine._compiled_cache = first._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "open_engine", open_engine)
        yield


@pytest.fixture(scope="session", autouse=True)
def _compress_once() -> Iterator[None]:
    """Compress the same bytes once: at the highest level, scripts cost each refresh 60 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(public_files, "compress", cache(public_files.compress))
        yield


def _keep_warm() -> None:
    for engine in db._engines.values():
        if getattr(engine.dialect, "server_version_info", None):  # it was connected
            _warm.setdefault(engine.dialect.name, engine)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a PostgreSQL of our own, with a migrated `template_trustsvc`; gives its folder."""
    yield from servers.postgres(tmp_path_factory.mktemp("pg"))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from servers.redis(tmp_path_factory.mktemp("redis"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate one SQLite file; each test starts with a copy."""
    place = tmp_path_factory.mktemp("template")
    config.use(config.load({"TRUSTSVC_DATA": str(place)}))
    migrations.upgrade()
    db.dispose_engines()
    config.use(None)
    return place / "trustsvc.db"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test that is marked `both_databases` its twin on PostgreSQL."""
    test = metafunc.definition
    own = any("database" in str(mark.args[0]) for mark in test.iter_markers("parametrize"))
    both = test.get_closest_marker("both_databases") and not own
    if both and "database" in metafunc.fixturenames:
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    callspec = getattr(item, "callspec", None)
    if callspec and callspec.params.get("database") == "postgresql":
        item.add_marker("postgresql")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what starts real processes: it waits for half of its time.

    Every other module of it comes first, the others in the middle: of four workers, each of which
    gets a quarter, two wait while two compute, and small tests are left to share at the end.
    """
    of_processes = [item for item in items if item.get_closest_marker("processes")]
    others = [item for item in items if not item.get_closest_marker("processes")]
    modules = list(dict.fromkeys(item.nodeid.partition("::")[0] for item in of_processes))
    first = {module for number, module in enumerate(modules) if number % 2 == 0}
    early = [item for item in of_processes if item.nodeid.partition("::")[0] in first]
    late = [item for item in of_processes if item.nodeid.partition("::")[0] not in first]
    half = max(0, len(items) // 2 - len(early))
    items[:] = [*early, *others[:half], *late, *others[half:]]


def pytest_collection_finish() -> None:
    """Spare each collection of garbage while tests run the half million objects that stay."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """Name the database: SQLite where nothing else is asked for."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session")
def keys_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one set of keys; each test starts with a copy."""
    place = tmp_path_factory.mktemp("keys")
    config.use(config.load({"TRUSTSVC_DATA": str(place)}))
    keyring.make_all()
    config.use(None)
    return place / "keys"


@pytest.fixture
def installation(
    database: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    redis_server: str,
    keys_template: Path,
) -> Iterator[config.Settings]:
    """A fresh installation: its own data folder, keys, database, and a real, empty Redis."""
    environ = {"TRUSTSVC_DATA": str(tmp_path / "data"), "TRUSTSVC_REDIS_URL": redis_server}
    shutil.copytree(keys_template, tmp_path / "data" / "keys")
    if database == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "data" / "trustsvc.db")
    else:
        server = request.getfixturevalue("postgres")
        environ["TRUSTSVC_DATABASE_URL"] = servers.reused_database(server)
    environ |= getattr(request, "param", {}) or {}
    settings = config.load(environ)
    config.use(settings)
    job_queue.connection().flushall()
    if settings.database_url in _open:
        db._engines[settings.database_url] = _open.pop(settings.database_url)
    yield settings
    keyring._require_first = None  # a command that ran in this process set it
    _keep_warm()
    if database == "postgresql" and settings.database_url in db._engines:
        for one in _open.values():  # of a database that was dropped
            one.dispose()
        _open.clear()
        _open[settings.database_url] = db._engines.pop(settings.database_url)
    db.dispose_engines()
    config.use(None)


@cache
def _made_app(demo: bool, base_url: str) -> Flask:
    """Build the app once for each of the settings it is built from: its routes cost 60 ms."""
    del demo, base_url
    return create_app()


@pytest.fixture
def app(installation: config.Settings) -> Flask:
    rate_limits.reset()
    app = _made_app(installation.demo, installation.base_url)
    # It writes into this test's folder.
    app.wsgi_app = with_middleware(partial(Flask.wsgi_app, app))
    app.testing = False  # tests see what people see: error pages, not exceptions
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
