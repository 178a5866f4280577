"""Delete the server log before its first line is as old as promised.

A file holds the lines of one hour and goes whole, by its name: that costs the same for a thousand
lines and for a million. A file of hour H goes from H + days - 1 h on: a tick every ten minutes then
never lets a line reach `days`, and no line goes that is younger than `days` minus two hours.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trustsvc import log

HOUR = timedelta(hours=1)
_NAMED = re.compile(r"access-(\d{4}-\d{2}-\d{2}T\d{2})(?!\d)")

logger = log.named("server_log")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in the log's folder, and when it goes."""

    path: Path
    goes_at: datetime
    strange: bool  # its name says no hour that can be, so it goes by the moment it was last written


def before(now: datetime, days: int) -> datetime:
    """Say from which moment on lines are kept: every older one is gone after a purge."""
    return now - timedelta(days=days) + HOUR


def everything(folder: Path, now: datetime, days: int) -> list[Kept]:
    """List what lies in the folder and below it, in the order in which it goes.

    Rotated, compressed, copied and half-written variants of an hour's file go with that hour.
    Symbolic links are listed and never followed.
    """
    found = []
    for path, written_at in _files(folder):
        hour = _hour(path.name)
        strange = hour is None or hour > now + HOUR
        since = written_at if hour is None or strange else hour
        found.append(Kept(path, since + timedelta(days=days) - HOUR, strange))
    return sorted(found, key=lambda kept: (kept.goes_at, kept.path))


def due(folder: Path, now: datetime, days: int) -> list[Path]:
    """List the files that have to go now."""
    return [kept.path for kept in everything(folder, now, days) if kept.goes_at <= now]


def purge(folder: Path, now: datetime, days: int) -> list[Path]:
    """Delete the files that have to go; gives those that went.

    Twice, at once or killed midway does no harm: the next run takes what is left. A file that
    cannot be deleted does not keep the others, and is an error in our own log at every run.
    """
    gone, stuck = [], 0
    for path in due(folder, now, days):
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError:
            stuck += 1
            continue
        gone.append(path)
    if stuck:
        logger.error("server log files could not be deleted", number=stuck)
    return gone


def _files(folder: Path) -> Iterator[tuple[Path, datetime]]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            known = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(known.st_mode):
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path), datetime.fromtimestamp(known.st_mtime, UTC)


def _hour(name: str) -> datetime | None:
    hours = []
    for text in _NAMED.findall(name):
        try:
            hours.append(datetime.strptime(f"{text}+0000", "%Y-%m-%dT%H%z"))
        except ValueError:
            continue
    return min(hours, default=None)
