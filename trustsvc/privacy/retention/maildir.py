"""Purge the default maildir, which stands in for a mail server.

Invitations go after 30 days; transactional mail within 72 hours, so that nothing of an erased
person stays longer.
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
from trustsvc.mail.maildir import TRANSACTIONAL_TAG
from trustsvc.privacy.retention.rules import MARGIN, RULES

RULE = "maildir"
TRANSACTIONAL_RULE = "transactional_mail"
logger = log.get_logger("privacy")
FOLDERS = ("new", "cur", "tmp")


def cutoff(rule: str, now: datetime) -> datetime:
    """Give the moment up to which files of a rule are due."""
    return RULES[rule].cutoff(now) + (MARGIN if rule == TRANSACTIONAL_RULE else timedelta())


def due(now: datetime) -> dict[str, list[Path]]:
    """List by rule the files that are due, in the maildir of our own data folder only."""
    paths: dict[str, list[Path]] = {RULE: [], TRANSACTIONAL_RULE: []}
    for path, rule in _files_by_rule():
        if _written_at(path, now) <= cutoff(rule, now):
            paths[rule].append(path)
    return paths


def next_at(now: datetime) -> dict[str, datetime]:
    """Say by rule when the next file is due; a rule without files is missing."""
    earliest: dict[str, datetime] = {}
    for path, rule in _files_by_rule():
        ends = now + (_written_at(path, now) - cutoff(rule, now))
        earliest[rule] = min(ends, earliest.get(rule, ends))
    return earliest


def _files_by_rule() -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        for path in _files(config.current().data / "mail" / folder):
            # What mail programs add to a name stands behind a colon.
            tags = path.name.partition(":")[0].split(".")
            yield path, TRANSACTIONAL_RULE if TRANSACTIONAL_TAG in tags[2:] else RULE


def count() -> int:
    """Count all files, due or not."""
    return sum(1 for _ in _files_by_rule())


def purge(now: datetime) -> dict[str, int]:
    """Delete what is due; gives the number per rule. A file that is gone already is no error."""
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
    """Delete all messages to one person; gives how many.

    Found by the address and by the message codes: after an opt-out the address is not known any
    more. Only headers are read. A file that cannot be read or deleted is logged and goes at the end
    of its retention.
    """
    known = normalise(address) if address else ""
    gone = 0
    for folder in FOLDERS:
        for path in _files(config.current().data / "mail" / folder):
            try:
                headers = _headers(path)
                if known in _recipients(headers) or _code(headers) in codes:
                    path.unlink()
                    gone += 1
            except FileNotFoundError:
                continue
            except OSError as problem:
                logger.warning("maildir.erase_failed", problem=type(problem).__name__)
    return gone


def _headers(path: Path) -> Message:
    with path.open("rb") as file:
        return BytesHeaderParser(policy=SMTPUTF8).parse(file)


def _code(headers: Message) -> str:
    return str(headers.get("Message-ID", "")).strip().lstrip("<").partition("@")[0]


def _recipients(headers: Message) -> set[str]:
    addresses: set[str] = set()
    for to in headers.get_all("To", []):
        for one in getattr(to, "addresses", ()):
            with contextlib.suppress(NotAnAddress):
                addresses.add(normalise(one.addr_spec))
    return addresses


def _files(folder: Path) -> list[Path]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [Path(entry.path) for entry in entries if not entry.is_dir(follow_symlinks=False)]


def _written_at(path: Path, now: datetime) -> datetime:
    """Read the Unix time a maildir name begins with; else the file's last change."""
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
