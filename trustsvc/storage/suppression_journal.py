"""The suppression journal: opt-outs and the like that must outlive the database.

A file apart from the database. From it a restored backup learns what happened after it was made:
who opted out, unregistered, restricted data, withdrew or anonymised a review, or had an order
cancelled. It holds pseudonyms and public ids, never an address. One line an entry, on disk before
the database commits: a crash in between leaves a line too many, which only stops a message. The
first line has a random id; a backup stores it with the number of lines, so that a restore can tell
this file from another one and from an older copy.

    trustsvc-suppressions 1 <id>
    <kind> <shop, 0 for all> <subject, hex> <milliseconds since 1970> <reason> <check>

    opt_out           pseudonym of a buyer who must not be invited (objection, erasure)
    opt_in_again      pseudonym of a buyer who ended that; written after the commit
    unregister        pseudonym of a buyer whose registration ended (erasure too)
    restrict          pseudonym of a person whose data must not be used
    lift_restriction  pseudonym of a person who ended that (erasure too); written after the commit
    withdraw_review   public id of a review that must not be shown (erasure too)
    anonymise_review  public id of a review that stays without its author
    cancel_order      pseudonym of an order that was cancelled or refunded

An unknown kind counts as damage, and suspends sending after a restore.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from cryptography.hazmat.primitives import hashes
from sqlalchemy.orm import Session

from trustsvc import config, log
from trustsvc.errors import Unavailable
from trustsvc.storage import db
from trustsvc.storage.columns import EPOCH

EntryKind = Literal[
    "opt_out",
    "opt_in_again",
    "unregister",
    "restrict",
    "lift_restriction",
    "withdraw_review",
    "anonymise_review",
    "cancel_order",
]
ENTRY_KINDS: dict[str, EntryKind] = {kind: kind for kind in get_args(EntryKind)}
HEAD = "trustsvc-suppressions 1 "
MILLISECOND = timedelta(milliseconds=1)
logger = log.get_logger("suppressions")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    kind: EntryKind
    subject: bytes
    shop_id: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The file: its id, its lines, and how many cannot be read."""

    id: str
    lines: tuple[JournalEntry, ...]
    damaged: int


def path() -> Path:
    return config.current().data / "suppressions" / "journal"


def append(lines: Sequence[JournalEntry]) -> None:
    """Append lines and wait until they are on disk; twice is two lines and does no harm.

    Raises Unavailable if they cannot be written: the transaction then rolls back, and the user can
    try again.
    """
    if not lines:
        return
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


def append_after_commit(session: Session, lines: Sequence[JournalEntry]) -> None:
    """Append lines that end an earlier entry, after the commit.

    After a rollback they must not exist. If a crash or a failed write loses them, a restored
    service keeps the earlier entry, which is the safe side.
    """
    if lines:
        db.after_commit(session, lambda: _append_or_log(lines))


def _append_or_log(lines: Sequence[JournalEntry]) -> None:
    try:
        append(lines)
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


def read() -> Journal | None:
    """Read the file; None if there is none or it is something else."""
    try:
        with path().open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # a line being written is not damage
            head, *rest = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    if not head.startswith(HEAD.encode()):
        return None
    parsed = [_line(text) for text in rest if text]
    lines = tuple(line for line in parsed if line)
    name = head.decode("ascii", "replace").removeprefix(HEAD)
    return Journal(name, lines, damaged=len(parsed) - len(lines))


def _text(line: JournalEntry) -> bytes:
    milliseconds = (line.at - EPOCH) // MILLISECOND
    reason = "_".join(line.reason.split()) or "-"
    text = f"{line.kind} {line.shop_id} {line.subject.hex()} {milliseconds} {reason}"
    return f"{text} {_check(text.encode())}\n".encode()


def _line(text: bytes) -> JournalEntry | None:
    content, _, check = text.rpartition(b" ")
    if _check(content).encode() != check:
        return None
    try:
        kind, shop_id, subject, milliseconds, reason = content.decode().split(" ")
        at = EPOCH + int(milliseconds) * MILLISECOND
        return JournalEntry(ENTRY_KINDS[kind], bytes.fromhex(subject), int(shop_id), at, reason)
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
