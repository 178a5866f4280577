"""Purge the server log's files and sign receipts for them.

Files go first: an unreachable database must not keep a log past its day. The plan is written to
`purge.journal` in the data folder before and removed once the receipt is signed; after a kill in
between the next run signs. If the disk is too full for the journal the files go all the same.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import select

from trustsvc import clock, config, log
from trustsvc.privacy import models, receipts
from trustsvc.server_log import retention
from trustsvc.storage import db, host_lock, periodic_write

RULE = "server_log"
JOURNAL = "purge.journal"
INTERVAL_S = 600

logger = log.get_logger("purge")


class _Plan(msgspec.Struct):
    """What a run is about to delete: file names in the log folder, as bytes."""

    at: datetime
    before: datetime
    files: list[bytes]


def purge(now: datetime) -> list[Path]:
    """Delete the log files that are due and sign a receipt; gives the files.

    Twice does no harm; if another process is at it, nothing is done here. If the database is
    unreachable the files go, the receipt waits in the journal, and the job fails visibly.
    """
    settings = config.current()
    folder, journal = settings.data / "log", settings.data / JOURNAL
    with _locked(settings.data / "purge.lock") as locked:
        if not locked:
            return []
        due = retention.due_files(folder, now, settings.log_days)
        plans = _unsigned_plans(journal, folder)
        gone: list[Path] = []
        if due:
            before = retention.kept_since(now, settings.log_days)
            names = [os.fsencode(path.relative_to(folder)) for path in due]
            plans.append(_Plan(now, before, names))
            _write_journal(journal, plans)
            gone = retention.delete_files(due)
            plans[-1].files = [os.fsencode(path.relative_to(folder)) for path in gone]
        if plans:
            _sign(plans)
            journal.unlink(missing_ok=True)
    return gone


def start() -> None:
    """Purge from a thread of this process, every ten minutes from now on. Once a process."""
    periodic_write.repeat(
        "server log purge", INTERVAL_S, lambda: purge(clock.now()), _report_failure
    )


def _report_failure(problem: str) -> None:
    logger.warning("purge.server_log_failed", problem=problem)


def late(now: datetime) -> int:
    """Count the files that are twenty minutes overdue: a purge was missed."""
    settings = config.current()
    return retention.count_overdue(settings.data / "log", now, settings.log_days)


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[bool]:
    """Take the purge lock, which ends with the process; go on if no lock file can be made."""
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield True
        return
    with host_lock.try_lock(handle) as is_ours:
        yield is_ours


def _unsigned_plans(journal: Path, folder: Path) -> list[_Plan]:
    """Read what earlier runs deleted and did not sign; a file that still exists counts again."""
    try:
        plans = msgspec.json.decode(journal.read_bytes(), type=list[_Plan])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as problem:
        logger.warning("purge.journal_unreadable", problem=type(problem).__name__)
        return []
    for plan in plans:
        plan.files = [
            name for name in plan.files if not os.path.lexists(folder / os.fsdecode(name))
        ]
    return plans


def _write_journal(journal: Path, plans: list[_Plan]) -> None:
    fresh = journal.with_suffix(".new")
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(plans))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(journal)
    except OSError as problem:
        logger.warning("purge.journal_unwritable", problem=type(problem).__name__)
        fresh.unlink(missing_ok=True)


def _sign(plans: list[_Plan]) -> None:
    with db.transaction() as session:
        moments = [plan.at for plan in plans]
        known = select(models.receipts.c.at).where(
            models.receipts.c.what == RULE, models.receipts.c.at.in_(moments)
        )
        signed = set(session.scalars(known))
        for plan in plans:
            at = plan.at.replace(microsecond=plan.at.microsecond // 1000 * 1000)
            if plan.files and at not in signed:
                receipts.write(
                    session, receipts.Receipt(plan.at, RULE, len(plan.files), plan.before)
                )
