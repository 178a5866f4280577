"""Purge the server log and sign for it: the log's own room knows neither database nor receipts.

The files go first: a database that is away must not keep a log past its day. What is about to go is
written down before, in `purge.journal` in the data folder, and struck off once the receipt is
signed: a run that was killed in between is signed for by the next. On a disk too full for the
journal the files go all the same.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import select

from trustsvc import config, log
from trustsvc.privacy.models import receipts
from trustsvc.privacy.receipts import Receipt, write
from trustsvc.server_log import retention
from trustsvc.storage import db

RULE = "server_log"
JOURNAL = "purge.journal"

logger = log.get_logger("privacy")


class _Plan(msgspec.Struct):
    """What a run was about to delete: names below the log's folder, as the file system has them."""

    at: datetime
    before: datetime
    files: list[bytes]


def purge(now: datetime) -> list[Path]:
    """Delete the log's files that are due and sign a receipt; gives the files.

    Twice does no harm; while another process is at it, this one leaves it to that one. With the
    database away the files are gone, the receipt waits in the journal, and the job fails so that it
    is seen.
    """
    settings = config.current()
    folder, journal = settings.data / "log", settings.data / JOURNAL
    with _alone(settings.data / "purge.lock") as alone:
        if not alone:
            return []
        due = retention.due(folder, now, settings.log_days)
        plans = _unsigned(journal, folder)
        gone: list[Path] = []
        if due:
            before = retention.before(now, settings.log_days)
            names = [os.fsencode(path.relative_to(folder)) for path in due]
            plans.append(_Plan(now, before, names))
            _keep(journal, plans)
            gone = retention.delete(due)
            plans[-1].files = [os.fsencode(path.relative_to(folder)) for path in gone]
        if plans:
            _sign(plans)
            journal.unlink(missing_ok=True)
    return gone


def late(now: datetime) -> int:
    """Count the files that should have gone twenty minutes ago: a purge was missed."""
    settings = config.current()
    return retention.late(settings.data / "log", now, settings.log_days)


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[bool]:
    """Hold the purge; a process that is killed lets go. Without room for a lock file: go on."""
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield True
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


def _unsigned(journal: Path, folder: Path) -> list[_Plan]:
    """Read what earlier runs deleted and did not sign for; what is still there counts anew."""
    try:
        plans = msgspec.json.decode(journal.read_bytes(), type=list[_Plan])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as problem:
        logger.warning("the purge's journal cannot be read", problem=type(problem).__name__)
        return []
    for plan in plans:
        plan.files = [
            name for name in plan.files if not os.path.lexists(folder / os.fsdecode(name))
        ]
    return plans


def _keep(journal: Path, plans: list[_Plan]) -> None:
    fresh = journal.with_suffix(".new")
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(plans))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(journal)
    except OSError as problem:
        logger.warning("purging without a journal", problem=type(problem).__name__)
        fresh.unlink(missing_ok=True)


def _sign(plans: list[_Plan]) -> None:
    with db.transaction() as session:
        moments = [plan.at for plan in plans]
        known = select(receipts.c.at).where(receipts.c.what == RULE, receipts.c.at.in_(moments))
        signed = set(session.scalars(known))
        for plan in plans:
            at = plan.at.replace(microsecond=plan.at.microsecond // 1000 * 1000)
            if plan.files and at not in signed:
                write(session, Receipt(plan.at, RULE, len(plan.files), plan.before))
