"""Delete the server log before its first line reaches the retention period.

A file holds one hour and is deleted whole, by its name, at the same cost for any size. A file of
hour H is due from H + days - 1 h. The purge runs every ten minutes, so no line reaches the age of
`days`. No line younger than `days` minus two hours is deleted. file_age.py dates files whose names
do not.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trustsvc import log
from trustsvc.server_log import file_age

HOUR = timedelta(hours=1)
# Two purges; the oldest line is then 40 minutes short of `days`.
OVERDUE_AFTER = timedelta(minutes=20)

logger = log.get_logger("server_log")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file in the log's folder, and when it is due."""

    path: Path
    goes_at: datetime
    strange: bool  # no valid hour in its name: dated by its lines or modification time


def kept_since(now: datetime, days: int) -> datetime:
    """Every line older than this is deleted by a purge."""
    return now - timedelta(days=days) + HOUR


def list_files(folder: Path, now: datetime, days: int) -> list[LogFile]:
    """List the files in the folder and below, in order of deletion.

    Rotated, compressed, copied and partial variants of an hour's file are due with that hour.
    Symbolic links are listed and never followed. An unreadable folder is listed itself.
    """
    files = []
    for path, known in _files(folder):
        since, strange = file_age.first_line_at(path, known, now)
        files.append(LogFile(path, since + timedelta(days=days) - HOUR, strange))
    return sorted(files, key=lambda file: (file.goes_at, file.path))


def due_files(folder: Path, now: datetime, days: int) -> list[Path]:
    """List the files due now."""
    return [file.path for file in list_files(folder, now, days) if file.goes_at <= now]


def count_overdue(folder: Path, now: datetime, days: int) -> int:
    """Count files due two purges ago: a purge was missed, or cannot delete."""
    return sum(file.goes_at + OVERDUE_AFTER <= now for file in list_files(folder, now, days))


def purge(folder: Path, now: datetime, days: int) -> list[Path]:
    """Delete the files due; returns those deleted."""
    return delete_files(due_files(folder, now, days))


def delete_files(paths: Iterable[Path]) -> list[Path]:
    """Delete files; returns those deleted.

    Twice, in parallel or interrupted does no harm: the next run deletes the rest. A file that
    cannot be deleted does not stop the others, and is logged as an error at every run.
    """
    gone, stuck = [], 0
    for path in paths:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError:
            stuck += 1
            continue
        gone.append(path)
    if stuck:
        logger.error("server_log.files_not_deleted", number=stuck)
    return gone


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    waiting, unreadable = [folder], 0
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as entries:
                known_paths = [(Path(entry.path), _known(entry)) for entry in entries]
        except FileNotFoundError:
            continue
        except OSError:
            unreadable += 1
            with contextlib.suppress(OSError):
                yield current, current.lstat()
            continue
        for path, known in known_paths:
            if known and stat.S_ISDIR(known.st_mode):
                waiting.append(path)
            elif known:
                yield path, known
    if unreadable:
        logger.error("server_log.folders_not_readable", number=unreadable)


def _known(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
