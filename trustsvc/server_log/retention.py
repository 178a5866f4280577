"""Delete the server log before its first line is as old as promised.

A file holds the lines of one hour and goes whole, by its name: that costs the same for a thousand
lines and for a million. A file of hour H goes from H + days - 1 h on: a tick every ten minutes then
never lets a line reach `days`, and no line goes that is younger than `days` minus two hours.
age.py says how old a file is whose name does not.
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
OVERDUE_AFTER = timedelta(
    minutes=20
)  # two ticks; the oldest line is then 40 minutes short of `days`

logger = log.get_logger("server_log")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file in the log's folder, and when it goes."""

    path: Path
    goes_at: datetime
    strange: bool  # its name says no hour that can be: it goes by its lines or its last writing


def kept_since(now: datetime, days: int) -> datetime:
    """Say from which moment on lines are kept: every older one is gone after a purge."""
    return now - timedelta(days=days) + HOUR


def list_files(folder: Path, now: datetime, days: int) -> list[LogFile]:
    """List what lies in the folder and below it, in the order in which it goes.

    Rotated, compressed, copied and half-written variants of an hour's file go with that hour.
    Symbolic links are listed and never followed. A folder that cannot be looked into is listed
    itself, and hides nothing else.
    """
    found = []
    for path, known in _files(folder):
        since, strange = file_age.first_line_at(path, known, now)
        found.append(LogFile(path, since + timedelta(days=days) - HOUR, strange))
    return sorted(found, key=lambda kept: (kept.goes_at, kept.path))


def due_files(folder: Path, now: datetime, days: int) -> list[Path]:
    """List the files that have to go now."""
    return [kept.path for kept in list_files(folder, now, days) if kept.goes_at <= now]


def count_overdue(folder: Path, now: datetime, days: int) -> int:
    """Count what should have gone two ticks ago: a purge was missed, or cannot delete."""
    return sum(kept.goes_at + OVERDUE_AFTER <= now for kept in list_files(folder, now, days))


def purge(folder: Path, now: datetime, days: int) -> list[Path]:
    """Delete the files that have to go; gives those that went."""
    return delete_files(due_files(folder, now, days))


def delete_files(paths: Iterable[Path]) -> list[Path]:
    """Delete files; gives those that went.

    Twice, at once or killed midway does no harm: the next run takes what is left. A file that
    cannot be deleted does not keep the others, and is an error in our own log at every run.
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
    waiting, closed = [folder], 0
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                found = [(Path(entry.path), _known(entry)) for entry in entries]
        except FileNotFoundError:
            continue
        except OSError:
            closed += 1
            with contextlib.suppress(OSError):
                yield place, place.lstat()
            continue
        for path, known in found:
            if known and stat.S_ISDIR(known.st_mode):
                waiting.append(path)
            elif known:
                yield path, known
    if closed:
        logger.error("server_log.folders_not_readable", number=closed)


def _known(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
