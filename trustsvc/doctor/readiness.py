"""Readiness checks: what must work for an order to be accepted, for /readyz and for doctor.

Each is cheap, bounded in time, and tries what it reports on.
"""

import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography.fernet import InvalidToken
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.doctor import queue_age, redis_server, suppressions
from trustsvc.doctor.finding import Result, failed, well
from trustsvc.errors import Misconfigured
from trustsvc.shops.models import shops
from trustsvc.storage import db, key_checks
from trustsvc.work_queue import heartbeat

SPACE_BYTES = 1024 * 1024
LOCK_WAIT_S = 1.0
WRITTEN_LATELY_S = 30.0
TRIAL_WRITE = "write_probe"  # as it is stored
DISK, WRITE, KEYS = "disk", "database write", "keys and database"


def disk(_: datetime) -> Result:
    """Write a nameless file of 1 MiB into the data folder: a quota or limit shows nowhere else."""
    try:
        with tempfile.TemporaryFile(dir=config.current().data, buffering=0) as file:
            left = memoryview(bytes(SPACE_BYTES))
            while left:
                left = left[file.write(left) :]
    except OSError as problem:
        status = "full or not writable"
        remedy = "free space (df, quota, limits), or give the folder to the user trustsvc runs as"
        detail = f"1 MiB cannot be written into TRUSTSVC_DATA ({type(problem).__name__})"
        return failed(DISK, status, detail, remedy)
    return well(DISK, "1 MiB can be written")


def write(now: datetime) -> Result:
    """Commit one row; waits a second at most for the write lock.

    A lock that others hold is no failure while this process wrote within half a minute.
    """
    try:
        with db.transaction(wait_s=LOCK_WAIT_S) as session:
            heartbeat.beat(session, TRIAL_WRITE, now)
    except db.WriterBusy:
        if db.seconds_since_commit() < WRITTEN_LATELY_S:
            return well(WRITE, "works")
        remedy = "another process writes for long: which one? (fuser; pg_locks on PostgreSQL)"
        return failed(WRITE, "locked", "the write lock was not free for a second", remedy)
    except (SQLAlchemyError, OSError):
        remedy = "is the disk full, the file or the server read-only?"
        return failed(WRITE, "fails: orders are refused", "nothing can be written", remedy)
    return well(WRITE, "works")


def keys(_: datetime) -> Result:
    """Compare the key folder with the check values in the database, and open a shop's secret."""
    try:
        with db.reading() as session:
            problem = keys_problem(session)
    except Misconfigured as error:
        return failed(KEYS, "unreadable", error.detail, "restore the folder keys")
    except (SQLAlchemyError, OSError):
        remedy = "see the line on the database"
        return failed(KEYS, "unknown", "they cannot be compared", remedy)
    if problem:
        remedy = "put the folder keys of this database back: with others every order is an error"
        return failed(KEYS, "not those of this database", problem, remedy)
    return well(KEYS, "belong together")


def keys_problem(session: Session) -> str | None:
    """Say which keys are not those of this database; None when all are."""
    wrong = key_checks.mismatches(session)
    if wrong:
        return "; ".join(f"key {kind}: {why}" for kind, why in sorted(wrong.items()))
    try:
        session.scalar(select(shops.c.secret).limit(1))
    except InvalidToken:
        return "key vault: opens nothing that is stored"
    return None


def record_keys() -> str | None:
    """Record check values of new keys; says why not, if they are another database's."""
    with db.transaction() as session:
        problem = keys_problem(session)
        if problem is None:
            key_checks.record(session)
        return problem


# By their names at /readyz.
READINESS_CHECKS: Mapping[str, Callable[[datetime], Result]] = {
    "disk": disk,
    "write": write,
    "keys": keys,
    "suppressions": suppressions.copy,
    "redis": redis_server.redis_server,
    "orders": queue_age.undecided_orders,
    "mail": queue_age.due_messages,
    "privacy": queue_age.due_requests,
}
