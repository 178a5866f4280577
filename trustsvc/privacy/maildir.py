"""Letters in the default maildir go after 30 days: it only stands in for a mail server."""

import contextlib
import os
import stat
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import SMTPUTF8
from pathlib import Path

from trustsvc import config, log
from trustsvc.address import NotAnAddress, normalise
from trustsvc.privacy.retention import RULES

RULE = "letters in the maildir"
logger = log.named("privacy")
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


def forget(address: str, codes: Collection[str] = ()) -> int:
    """Delete the letters to one person, whatever their age; gives how many.

    They are known by the address, and by their codes: who said stop before is erased without an
    address. Only their heads are read. A file that cannot be read or deleted is logged and goes
    with its 30 days: by then everything else of the person is gone, and whoever asked need not ask
    again.
    """
    known = normalise(address) if address else ""
    gone = 0
    for part in PARTS:
        for path in _files(config.current().data / "mail" / part):
            try:
                head = _head(path)
                if known in _to(head) or _code(head) in codes:
                    path.unlink()
                    gone += 1
            except FileNotFoundError:
                continue
            except OSError as problem:
                logger.warning("letter not deleted", problem=type(problem).__name__)
    return gone


def _head(path: Path) -> Message:
    with path.open("rb") as file:
        return BytesHeaderParser(policy=SMTPUTF8).parse(file)


def _code(head: Message) -> str:
    return str(head.get("Message-ID", "")).strip().lstrip("<").partition("@")[0]


def _to(head: Message) -> set[str]:
    found: set[str] = set()
    for to in head.get_all("To", []):
        for one in getattr(to, "addresses", ()):
            with contextlib.suppress(NotAnAddress):
                found.add(normalise(one.addr_spec))
    return found


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
