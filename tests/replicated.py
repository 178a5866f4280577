"""An installation on PostgreSQL with a streaming replica of it, for tests of both."""

import contextlib
import shutil

from sqlalchemy import text

from tests import servers
from tests.waiting import until
from trustsvc import config
from trustsvc.storage import db, replica
from trustsvc.work_queue import job_queue


@contextlib.contextmanager
def two_servers(folder):
    """Start a server and its replica; gives their folders."""
    with (
        contextlib.contextmanager(servers.postgres)(folder, servers.STREAMING) as primary,
        servers.replica(primary) as standby,
    ):
        yield primary, standby


@contextlib.contextmanager
def installation(folder, both, redis_url, keys):
    """Use an installation with a fresh database on both servers."""
    primary, standby = both
    url, drop = servers.fresh_database(primary)
    shutil.copytree(keys, folder / "data" / "keys")
    settings = config.load(
        {
            "TRUSTSVC_DATA": str(folder / "data"),
            "TRUSTSVC_REDIS_URL": redis_url,
            "TRUSTSVC_DATABASE_URL": url,
            "TRUSTSVC_DATABASE_REPLICA_URL": url.replace(primary, standby),
        }
    )
    config.use(settings)
    replica.forget()
    job_queue.connection().flushall()
    try:
        catch_up()
        yield settings
    finally:
        replay(paused=False)
        db.dispose_engines()
        config.use(None)
        replica.forget()
        drop()


@contextlib.contextmanager
def reading_by(url, database_url=""):
    """Use another replica, and another database if one is named, until the end."""
    settings = config.current()
    config.use(
        config.load(
            {
                "TRUSTSVC_DATA": str(settings.data),
                "TRUSTSVC_REDIS_URL": settings.redis_url,
                "TRUSTSVC_DATABASE_URL": database_url or settings.database_url,
                "TRUSTSVC_DATABASE_REPLICA_URL": url,
            }
        )
    )
    replica.forget()
    try:
        yield
    finally:
        config.use(settings)
        replica.forget()


def on_replica(statement):
    """Run a statement on the replica."""
    source = db.engine_of(config.current().database_replica_url)
    with source.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return connection.execute(text(statement)).scalar()


def replay(*, paused):
    """Have the replica stop replaying what it receives, or go on."""
    on_replica(f"SELECT pg_wal_replay_{'pause' if paused else 'resume'}()")
    if paused:
        until(lambda: on_replica("SELECT pg_get_wal_replay_pause_state()") == "paused")


def catch_up():
    """Wait until the replica has all that was committed."""

    def has_all():
        replica.forget()
        with contextlib.suppress(Exception):  # its database may not be there yet
            return replica.is_current()
        return False

    until(has_all)


def is_on_replica():
    with db.reading() as session:
        return session.scalar(text("SELECT pg_is_in_recovery()"))


def shops():
    with db.reading() as session:
        return session.scalar(text("SELECT count(*) FROM shops"))
