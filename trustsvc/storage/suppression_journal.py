"""The suppression journal: opt-outs and the like that must outlive the database.

A file of each host, apart from the database. From it a restored backup learns what happened after
it was made: who opted out, unregistered, restricted data, withdrew or anonymised a review, or had
an order cancelled. It holds pseudonyms and public ids, never an address. One line an entry, on disk
before the database commits: a crash in between leaves a line too many, which only stops a message.
The same entry is a row of that transaction, by which the other hosts learn of it
(suppression_copy.py). The first line has a random id; a backup stores that of its host.

    trustsvc-suppressions 1 <id>
    <kind> <shop, 0 for all> <subject, hex> <milliseconds since 1970> <reason> <row> <check>

    opt_out           pseudonym of a buyer who must not be invited (objection, erasure)
    opt_in_again      pseudonym of a buyer who ended that; written after the commit
    unregister        pseudonym of a buyer whose registration ended (erasure too)
    restrict          pseudonym of a person whose data must not be used
    lift_restriction  pseudonym of a person who ended that (erasure too); written after the commit
    withdraw_review   public id of a review that must not be shown (erasure too)
    anonymise_review  public id of a review that stays without its author
    cancel_order      pseudonym of an order that was cancelled or refunded
    journal           id of the file of a host whose older lines are in the database too

A line without `<row>` is of a version that kept the journal in files only. An unknown kind counts
as damage, and suspends sending after a restore.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives import hashes
from sqlalchemy.orm import Session

from trustsvc import config, log
from trustsvc.errors import Unavailable
from trustsvc.storage import db, suppression_entries
from trustsvc.storage.columns import EPOCH
from trustsvc.storage.suppression_entries import ENTRY_KINDS, MILLISECOND, JournalEntry

HEAD = "trustsvc-suppressions 1 "
HEAD_SIZE = len(HEAD) + 32 + 1
logger = log.get_logger("suppressions")


@dataclass(frozen=True, slots=True)
class Journal:
    """The file: its id, its lines, how many cannot be read, and where it ends, in bytes."""

    id: str
    lines: tuple[JournalEntry, ...]
    damaged: int
    end: int


def path() -> Path:
    return config.current().data / "suppressions" / "journal"


def append(session: Session, entries: Sequence[JournalEntry]) -> None:
    """Append entries with this transaction and wait until they are in the file.

    Twice is two entries and does no harm. Raises Unavailable if they cannot be written: the
    transaction then rolls back, and the user can try again.
    """
    if entries:
        append_lines(suppression_entries.add(session, entries))


def append_after_commit(session: Session, entries: Sequence[JournalEntry]) -> None:
    """Append entries that end an earlier one; their lines after the commit.

    After a rollback they must not exist. If a crash or a failed write loses the lines, they are
    copied from the database. Without it a restored service keeps the earlier entry, which is the
    safe side.
    """
    if entries:
        added = suppression_entries.add(session, entries)
        db.after_commit(session, lambda: _append_or_log(added))


def append_lines(lines: Sequence[JournalEntry]) -> None:
    """Append entries of the database to the file, and wait until they are on disk.

    Raises Unavailable.
    """
    try:
        create()
        with path().open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - 1, 0))
            torn = b"" if file.read(1) == b"\n" else b"\n"  # a crash cut the last line
            _append(file, torn + b"".join(_text(line) for line in lines), end)
    except OSError:
        raise Unavailable from None


def _append_or_log(lines: Sequence[JournalEntry]) -> None:
    try:
        append_lines(lines)
    except Unavailable:
        logger.error("suppressions.append_failed", number=len(lines))  # noqa: TRY400


def create() -> None:
    """Create the file if there is none; of two at once the first wins."""
    if path().exists():
        return
    path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path().with_name(f".journal.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{HEAD}{secrets.token_hex(16)}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path())
        _sync_folder(path().parent)
    finally:
        temporary.unlink()


def read(place: Path | None = None, position: int = 0) -> Journal | None:
    """Read a file, by default that of this host; None if there is none or it is something else.

    `position`: only the lines from there on.
    """
    try:
        with (place or path()).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # a line being written is not damage
            head = file.readline(HEAD_SIZE)
            file.seek(max(position, HEAD_SIZE))
            parsed = [_line(text.rstrip(b"\n")) for text in file if text != b"\n"]
            end = file.seek(0, os.SEEK_END)
    except FileNotFoundError:
        return None
    name = head.decode("ascii", "replace").removesuffix("\n").removeprefix(HEAD)
    if not head.startswith(HEAD.encode()):
        return None
    lines = tuple(line for line in parsed if line)
    return Journal(name, lines, damaged=len(parsed) - len(lines), end=end)


def check_value(entry: JournalEntry) -> str:
    """Give what a stored entry is known by."""
    return _check(_text(entry))


def _text(line: JournalEntry) -> bytes:
    milliseconds = (line.at - EPOCH) // MILLISECOND
    text = f"{line.kind} {line.shop_id} {line.subject.hex()} {milliseconds} {line.reason} {line.id}"
    return f"{text} {_check(text.encode())}\n".encode()


def _line(text: bytes) -> JournalEntry | None:
    content, _, check = text.rpartition(b" ")
    if _check(content).encode() != check:
        return None
    try:
        kind, shop_id, subject, milliseconds, reason, *row = content.decode().split(" ")
        (number,) = map(int, row) if row else (0,)
        at = EPOCH + int(milliseconds) * MILLISECOND
        who = bytes.fromhex(subject)
        return JournalEntry(ENTRY_KINDS[kind], who, int(shop_id), at, reason, number)
    except (KeyError, ValueError, OverflowError):
        return None


def _append(file: BinaryIO, text: bytes, end: int) -> None:
    try:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    except OSError:
        # Half a line would count as damage and suspend sending after a restore.
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), end)
        raise


def _check(text: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(text)
    return digest.finalize().hex()[:12]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
