"""The copy of the suppression journal that each host keeps apart from the database.

Every process of a host brings its file up to date: entries that other hosts made come from the
database, and lines of a version that kept them in files only go into it, once. One process at a
time does so, every COPY_S. What it knows lies beside the file, in `copied`.

Rows are committed in another order than that of their ids, so all rows of the last SETTLED_S are
read each time; longer than that no transaction takes. After a restore, or a failover that lost
rows, the last settled row is another one, and all rows are compared again. Where a copy is lost or
cut it is made again.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc import clock, log
from trustsvc.errors import TrustsvcError
from trustsvc.storage import db, periodic_write, suppression_entries, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.storage.suppression_entries import BATCH_SIZE, JournalEntry

COPY_S = 15.0
MISSING_AFTER = timedelta(minutes=10)
SETTLED_S, MARK_S = 900.0, 300.0

logger = log.get_logger("suppressions")
_copied_at: float | None = None  # monotonic


class _Mark(msgspec.Struct):
    """How far the rows and the file went at a moment since the machine's start."""

    uptime_s: float
    newest: int
    check: str
    end: int


class _Copied(msgspec.Struct):
    """What is known of this host's copy; all of it is found again if it is lost.

    `settled` and `check` are of a row up to which none is still to come, and `position` is where
    the lines of later rows begin. Up to `taken_over` each line is a row.
    """

    journal: str
    settled: int = 0
    check: str = ""
    position: int = 0
    taken_over: int = 0
    newest: int = 0
    newest_check: str = ""
    marks: list[_Mark] = msgspec.field(default_factory=list)
    uptime_s: float = 0.0
    at: datetime | None = None


def start() -> None:
    """Copy from a thread of this process, at once and every COPY_S. Once a process."""
    periodic_write.repeat("suppression journal", COPY_S, lambda: copy(clock.now()), _report_failure)


def copy_if_due() -> None:
    """Copy if this process did not for COPY_S; a failure is logged, and the next time comes.

    For a process that forks, and so must not have a thread.
    """
    global _copied_at  # noqa: PLW0603 - one file a host, one moment a process
    uptime_s = time.monotonic()
    if _copied_at is not None and uptime_s - _copied_at < COPY_S:
        return
    _copied_at = uptime_s
    try:
        copy(clock.now())
    except (SQLAlchemyError, OSError, ValueError, TrustsvcError) as problem:
        _report_failure(type(problem).__name__)


def copy(now: datetime, *, at_once: bool = False) -> int:
    """Bring the file of this host up to date; gives how many entries were copied into it.

    Does nothing where another process of the host did so a moment ago or is at it; `at_once` waits
    for it and goes on. Twice copies nothing twice. Raises SQLAlchemyError, and Unavailable or
    OSError when the file cannot be written.
    """
    with _lock(wait=at_once) as is_ours:
        copied = _read()
        is_fresh = copied and 0 <= time.monotonic() - copied.uptime_s < COPY_S / 2
        if not is_ours or (is_fresh and not at_once):
            return 0
        return _copy(copied, now)


def late(now: datetime) -> bool:
    """Say whether entries older than MISSING_AFTER are missing in this host's file."""
    copied = _read()
    if copied and copied.at and abs(now - copied.at) < MISSING_AFTER:
        return False
    with db.reading() as session:
        if not _has_table(session):
            return False
        first = next(suppression_entries.after(session, copied.newest if copied else 0), None)
    return first is not None and now - first.at >= MISSING_AFTER


def copied_at() -> datetime | None:
    """Give when this host's file was last brought up to date; None if that is not known."""
    return copied.at if (copied := _read()) else None


def forget() -> None:
    """Compare all rows with the file the next time: the database is another one."""
    _state().unlink(missing_ok=True)


def _copy(copied: _Copied | None, now: datetime) -> int:
    with db.reading() as session:
        if not _has_table(session):
            return 0
        is_empty = next(suppression_entries.after(session, 0), None) is None
    if is_empty and not suppression_journal.path().exists():
        return 0
    suppression_journal.create()
    file = suppression_journal.read(position=copied.taken_over if copied else 0)
    if file is None:
        raise ValueError("suppressions/journal is something else")
    if copied is None or copied.journal != file.id or copied.taken_over > file.end:
        copied = _Copied(file.id)
        file = suppression_journal.read()
        assert file is not None
    _take_over(copied, file, now)
    end = file.end
    if copied.settled and not _is_same_database(copied):
        copied = _Copied(file.id)
        _take_over(copied, suppression_journal.read() or file, now)
    number = _append_missing(copied)
    _settle(copied, end)
    copied.at, copied.uptime_s = now, time.monotonic()
    _write(copied)
    return number


def _take_over(copied: _Copied, file: suppression_journal.Journal, now: datetime) -> None:
    """Add lines without a row to the database, and then that this file's older lines are there."""
    lines = [line for line in file.lines if not line.id]
    if lines or not copied.taken_over:
        subject = bytes.fromhex(file.id)
        with db.transaction() as session:
            known = set(suppression_entries.every(session))
            missing = list(dict.fromkeys(line for line in lines if line not in known))
            if not any(one.kind == "journal" and one.subject == subject for one in known):
                missing.append(JournalEntry("journal", subject, EVERY_SHOP, now, "file"))
            suppression_entries.add(session, missing)
    copied.taken_over = file.end


def _is_same_database(copied: _Copied) -> bool:
    row = next(iter(_rows_after(copied.settled - 1, 1)), None)
    return row is not None and suppression_journal.check_value(row) == copied.check


def _append_missing(copied: _Copied) -> int:
    """Append what is a row and no line; no transaction is open while the disk is waited for."""
    present: set[JournalEntry] | None = None
    last, number = copied.settled, 0
    while batch := _rows_after(last):
        if present is None:  # read after the rows, whose lines were written before them
            file = suppression_journal.read(position=copied.position)
            present = set(file.lines) if file else set()
        missing = [entry for entry in batch if entry not in present]
        if missing:
            suppression_journal.append_lines(missing)
        present.update(missing)
        number += len(missing)
        last = copied.newest = batch[-1].id
        copied.newest_check = suppression_journal.check_value(batch[-1])
    return number


def _rows_after(last: int, most: int = BATCH_SIZE) -> list[JournalEntry]:
    with db.reading() as session:
        return list(islice(suppression_entries.after(session, last), most))


def _settle(copied: _Copied, end: int) -> None:
    """Read less the next time. A line may be older than its row by a transaction: two steps."""
    uptime_s = time.monotonic()
    marks = [mark for mark in copied.marks if mark.uptime_s <= uptime_s]
    if copied.newest and (not marks or uptime_s - marks[-1].uptime_s >= MARK_S):
        marks.append(_Mark(uptime_s, copied.newest, copied.newest_check, end))
    for mark in marks:
        if uptime_s - mark.uptime_s >= SETTLED_S:
            copied.settled, copied.check = mark.newest, mark.check
        if uptime_s - mark.uptime_s >= 2 * SETTLED_S:
            copied.position = mark.end
    copied.marks = [mark for mark in marks if uptime_s - mark.uptime_s < 2 * SETTLED_S]


def _state() -> Path:
    return suppression_journal.path().with_name("copied")


def _read() -> _Copied | None:
    try:
        return msgspec.json.decode(_state().read_bytes(), type=_Copied)
    except (OSError, msgspec.DecodeError):
        return None


def _write(copied: _Copied) -> None:
    """Replace it whole. Not synced: an older one only has more read again."""
    fresh = _state().with_name(".copied")
    fresh.write_bytes(msgspec.json.encode(copied))
    fresh.replace(_state())


@contextmanager
def _lock(*, wait: bool) -> Iterator[bool]:
    """Hold the lock of this host's copy; it ends with the process."""
    place = suppression_journal.path().with_name("copy.lock")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


def _has_table(session: Session) -> bool:
    return inspect(session.connection()).has_table(suppression_entries.suppression_entries.name)


def _report_failure(problem: str) -> None:
    logger.warning("suppressions.copy_failed", problem=problem)
