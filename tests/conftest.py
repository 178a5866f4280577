"""The ground all tests stand on: a fresh house a test, on SQLite and on PostgreSQL."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from trustsvc import config, migrations
from trustsvc.crypto import keyring
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

for variable in [name for name in os.environ if name.startswith("TRUSTSVC_")]:
    del os.environ[variable]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a PostgreSQL of our own, with a migrated `template_house`; gives its folder."""
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


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database; a test that uses the house runs once on each."""
    return str(request.param)


@pytest.fixture
def house(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, redis_server: str
) -> Iterator[config.Settings]:
    """A fresh house: its own data folder, keys, database, and a real, empty Redis."""
    environ = {"TRUSTSVC_DATA": str(tmp_path / "data"), "TRUSTSVC_REDIS_URL": redis_server}
    (tmp_path / "data").mkdir()
    if database == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "data" / "trustsvc.db")
        cleanup = None
    else:
        server = request.getfixturevalue("postgres")
        environ["TRUSTSVC_DATABASE_URL"], cleanup = servers.fresh_database(server)
    environ |= getattr(request, "param", {}) or {}
    settings = config.load(environ)
    config.use(settings)
    keyring.make_all()
    job_queue.connection().flushall()
    yield settings
    db.dispose_engines()
    config.use(None)
    if cleanup:
        cleanup()


@pytest.fixture
def app(house):
    from trustsvc.app import create_app
    from trustsvc.privacy import views as privacy
    from trustsvc.registry import views as registry

    for room in (privacy, registry):  # one process runs many tests
        room.gate.hits.clear()
    app = create_app()
    app.testing = False  # tests see what people see: error pages, not exceptions
    return app


@pytest.fixture
def client(app):
    return app.test_client()
