"""A database with a long history, for the benchmarks that measure on one."""

import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import event, text

from tests import servers
from tests.invitations import sample_orders
from tests.storage import long_history
from trustsvc import config, log, migrations
from trustsvc.crypto import keyring
from trustsvc.storage import db

DURABLE = ("fsync=on", "shared_buffers=128MB", "max_connections=40")
BULK = ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY")


def start_servers(stack: contextlib.ExitStack, database: str) -> dict[str, str]:
    """Start the servers that all sizes share; pytest's Skipped says what is not installed."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustsvc-bench-")))
    redis = stack.enter_context(contextlib.contextmanager(servers.redis)(folder))
    environ = {"TRUSTSVC_REDIS_URL": redis, "FOLDER": str(folder)}
    if database == "postgresql":
        postgres = contextlib.contextmanager(servers.postgres)
        environ["SERVER"] = stack.enter_context(postgres(folder, DURABLE, on_disk=True))
    return environ


@contextlib.contextmanager
def installation(environ: dict[str, str], size: int) -> Iterator[dict[str, str]]:
    """Use an installation with an empty database of its own; gives its settings."""
    own = {
        "TRUSTSVC_DATA": f"{environ['FOLDER']}/{size}",
        "TRUSTSVC_REDIS_URL": environ["TRUSTSVC_REDIS_URL"],
        "TRUSTSVC_HOURLY_MOST": "100000",
    }
    drop: Callable[[], None] | None = None
    if server := environ.get("SERVER"):
        own["TRUSTSVC_DATABASE_URL"], drop = servers.fresh_database(server)
    config.use(config.load(own))
    log.configure(logging.ERROR)
    try:
        keyring.make_all()
        migrations.upgrade()
        yield own
    finally:
        db.dispose_engines()
        config.use(None)
        if drop:
            drop()


def fill(size: int, answered: int) -> Any:
    """Write the history quickly, then as the database keeps it: analysed, the log emptied.

    Of `answered` orders one has a review. Gives the shop.
    """
    if db.is_sqlite():
        event.listen(db.engine(), "connect", _in_bulk)
    shop = long_history.write(size, sample_orders.NOON, answered)
    db.dispose_engines()
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if db.is_sqlite():
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).all()
        else:
            for table in long_history.COPIED:
                long_history.count_on(connection, table)
            connection.execute(text("VACUUM (ANALYZE)"))
            connection.execute(text("CHECKPOINT"))
    return shop


def _in_bulk(connection: Any, _record: Any) -> None:
    for pragma in BULK:
        connection.execute(f"PRAGMA {pragma}")
