"""Letters in the default maildir go after 30 days: it only stands in for a mail server."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trustsvc import config
from trustsvc.privacy.retention import RULES

RULE = "letters in the maildir"
PARTS = ("new", "cur", "tmp")


def due(now: datetime) -> list[Path]:
    """List the letters whose time is over, in the maildir of our own data folder only."""
    limit = RULES[RULE].before(now)
    return [path for path in _letters() if _moment(path, now) <= limit]


def next_at(now: datetime) -> datetime | None:
    """Say when the oldest letter goes; None where there is none."""
    oldest = min((_moment(path, now) for path in _letters()), default=None)
    return oldest + timedelta(days=RULES[RULE].days or 0) if oldest else None


def _letters() -> list[Path]:
    folder = config.current().data / "mail"
    return [path for part in PARTS for path in _files(folder / part)]


def count() -> int:
    """Say how many there are, due or not."""
    folder = config.current().data / "mail"
    return sum(len(_files(folder / part)) for part in PARTS)


def purge(now: datetime) -> list[Path]:
    """Delete them; gives those that went. A letter that vanishes meanwhile is nobody's error."""
    gone = []
    for path in due(now):
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        gone.append(path)
    return gone


def _files(folder: Path) -> list[Path]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [Path(entry.path) for entry in entries if not entry.is_dir(follow_symlinks=False)]


def _moment(path: Path, now: datetime) -> datetime:
    """Take the second a maildir name begins with; a name that says none goes by its last change."""
    seconds = path.name.partition(".")[0]
    if seconds.isascii() and seconds.isdigit() and len(seconds) <= 11:
        named = datetime.fromtimestamp(int(seconds), UTC)
        if named <= now + timedelta(days=1):
            return named
    try:
        known = path.lstat()
    except FileNotFoundError:
        return now
    return datetime.fromtimestamp(known[stat.ST_MTIME], UTC)
