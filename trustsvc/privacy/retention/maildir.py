"""Letters in the default maildir go: it only stands in for a mail server.

Invitations after 30 days; what answered somebody or confirmed a right within 72 hours, so that
nothing of an erased person is left here but for that long.
"""

import contextlib
import os
import stat
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import SMTPUTF8
from pathlib import Path

from trustsvc import config, log
from trustsvc.address import NotAnAddress, normalise
from trustsvc.mail.maildir import TRANSACTIONAL
from trustsvc.privacy.retention.expired import EARLY
from trustsvc.privacy.retention.rules import RULES

RULE = "maildir"
TRANSACTIONAL_RULE = "transactional_mail"
logger = log.get_logger("privacy")
PARTS = ("new", "cur", "tmp")


def cutoff(rule: str, now: datetime) -> datetime:
    """Say what goes by a rule at this moment: everything not younger than this."""
    return RULES[rule].cutoff(now) + (EARLY if rule == TRANSACTIONAL_RULE else timedelta())


def due(now: datetime) -> dict[str, list[Path]]:
    """List the letters whose time is over, a rule, in the maildir of our own data folder only."""
    found: dict[str, list[Path]] = {RULE: [], TRANSACTIONAL_RULE: []}
    for path, rule in _letters():
        if _moment(path, now) <= cutoff(rule, now):
            found[rule].append(path)
    return found


def next_at(now: datetime) -> dict[str, datetime]:
    """Say when the next letter goes, a rule; a rule without letters is missing."""
    found: dict[str, datetime] = {}
    for path, rule in _letters():
        ends = now + (_moment(path, now) - cutoff(rule, now))
        found[rule] = min(ends, found.get(rule, ends))
    return found


def _letters() -> Iterator[tuple[Path, str]]:
    for part in PARTS:
        for path in _files(config.current().data / "mail" / part):
            # What mail programs add to a name stands behind a colon.
            words = path.name.partition(":")[0].split(".")
            yield path, TRANSACTIONAL_RULE if TRANSACTIONAL in words[2:] else RULE


def count() -> int:
    """Say how many there are, due or not."""
    return sum(1 for _ in _letters())


def purge(now: datetime) -> dict[str, int]:
    """Delete them; gives how many went, a rule. One that vanishes meanwhile is nobody's error."""
    gone: dict[str, int] = {}
    for rule, paths in due(now).items():
        for path in paths:
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            gone[rule] = gone.get(rule, 0) + 1
    return gone


def erase(address: str, codes: Collection[str] = ()) -> int:
    """Delete the letters to one person, whatever their age; gives how many.

    They are known by the address, and by their codes: who said stop before is erased without an
    address. Only their heads are read. A file that cannot be read or deleted is logged and goes
    when its days are over: by then everything else of the person is gone, and whoever asked need
    not ask again.
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
