"""Engines: pools, lock time-outs, SQLite's pragmas, and no row values in exception texts.

A connection pooler such as PgBouncer lends PostgreSQL's connections out for one transaction each:
there nothing is prepared or set for longer than a transaction.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext

from trustsvc.storage import read_limit, sqlite_reopen

LOCK_TIMEOUT_S = 10.0
POOLED = "trustsvc_pooled"  # in `Connection.info`
# A cut connection to PostgreSQL is noticed within half a minute, not after hours.
POSTGRES_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# As soon the server notices that our host is gone, and ends its transactions with their locks.
SERVER_TIMEOUTS = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # where it answered a host that is gone: nothing is kept alive then
}


def open_engine(url: str) -> Engine:
    """Make the engine for a URL; it connects at the first statement."""
    if not url.startswith("sqlite"):
        made = create_engine(
            url,
            pool_size=8,
            max_overflow=24,
            pool_timeout=LOCK_TIMEOUT_S,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=_postgres_options(url),
        )
        _listen(made)
        return made
    path = Path(url.partition("///")[2])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = create_engine(
        url,
        pool_size=8,
        max_overflow=24,
        pool_timeout=LOCK_TIMEOUT_S,
        connect_args={"timeout": LOCK_TIMEOUT_S},
        hide_parameters=True,
    )

    event.listen(made, "connect", _set_pragmas)
    sqlite_reopen.watch(made)

    @event.listens_for(made, "begin")
    def _begin(connection: Any) -> None:
        if connection.get_execution_options().get("trustsvc_no_transaction"):
            return  # VACUUM refuses to run inside a transaction
        writes = connection.get_execution_options().get("trustsvc_write")
        wait_ms = connection.get_execution_options().get("trustsvc_wait_ms")
        if wait_ms is None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait_ms}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(LOCK_TIMEOUT_S * 1000)}")

    return made


def open_limited_engine(url: str, seconds: float) -> Engine:
    """Make an engine for PostgreSQL that keeps no connection and ends each after some seconds."""
    options = _postgres_options(url, connect_timeout=2)  # the least that the driver takes
    made = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=options)
    _listen(made)
    read_limit.limit_connections(made, seconds)
    return made


def _postgres_options(url: str, **others: int) -> dict[str, int]:
    given = make_url(url).query
    return {k: v for k, v in (POSTGRES_OPTIONS | others).items() if k not in given}


def _listen(made: Engine) -> None:
    event.listen(made, "handle_error", _without_values)
    event.listen(made, "connect", _recognise_pooler)
    event.listen(made, "begin", _set_lock_timeout)


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is sent by _begin above
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # a 202 must survive a power cut
            "secure_delete = ON",  # holds for this connection only, so here and not in a migration
            "foreign_keys = ON",
            f"busy_timeout = {int(LOCK_TIMEOUT_S * 1000)}",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise


def _recognise_pooler(connection: Any, record: Any) -> None:
    """Set time-outs for good, unless between us and the server is a pooler.

    A pooler gives its clients numbers of its own for the server's process.
    """
    (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    if process != connection.info.backend_pid:
        record.info[POOLED] = True
        connection.prepare_threshold = None
    else:
        connection.execute(f"SET lock_timeout = {int(LOCK_TIMEOUT_S * 1000)}")
        for name, value in SERVER_TIMEOUTS.items():
            connection.execute(f"SET {name} = {value}")
    connection.commit()


def _set_lock_timeout(connection: Connection) -> None:
    """Wait for a lock as long as SQLite does: a locked table must not hang every request."""
    outside = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    if connection.info.get(POOLED) and not outside:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(LOCK_TIMEOUT_S * 1000)}")


def _without_values(context: ExceptionContext) -> None:
    """Keep row values out of exception texts: PostgreSQL writes the failing row there."""
    error = context.original_exception
    error.args = (getattr(error, "sqlstate", None) or "",)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (type(error).__name__,)
