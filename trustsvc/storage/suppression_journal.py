"""The file of wishes that outlive the database: keyed marks and public ids, never an address.

It lies apart from the database, so that whoever restores a backup knows who said stop, left, had
data restricted, took a review or its name back, or cancelled an order after it was made. One line
a wish, on disk before the database commits: a crash in between leaves a line too many, which only
stops a letter. The first line carries a random id: a backup notes it with the number of lines, so a
restore can tell this file from another, and from an older copy.

    trustsvc-suppressions 1 <id>
    <kind> <shop, 0 for all> <mark, hex> <milliseconds since 1970> <reason> <check>

    opt_out    mark of a buyer who must not be asked (an objection, an erasure too)
    again      mark of a buyer who took that back; written after the commit
    leave      mark of a buyer whose registration ended (an erasure too)
    restrict   mark of a person whose data must be left alone
    lift       mark of a person whose restriction ended (an erasure too); written after the commit
    withdraw   public id of a review that must not be shown (an erasure too)
    anonymise  public id of a review that stays without its author
    cancel     mark of an order that was cancelled or refunded

A kind that is not known here counts as damage, and stops the letters after a restore.
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

Kind = Literal["opt_out", "again", "leave", "restrict", "lift", "withdraw", "anonymise", "cancel"]
KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
HEAD = "trustsvc-suppressions 1 "
MILLISECOND = timedelta(milliseconds=1)
logger = log.get_logger("suppressions")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    kind: Kind
    mark: bytes
    shop_id: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Journal:
    """What the file says: which file it is, its lines, and how many cannot be read."""

    id: str
    lines: tuple[JournalEntry, ...]
    damaged: int


def path() -> Path:
    return config.current().data / "suppressions" / "marks"


def append(lines: Sequence[JournalEntry]) -> None:
    """Add lines at the end and wait until they are on disk; twice is two lines and does no harm.

    Raises Unavailable when they cannot be written: the transaction then rolls back, and whoever
    asked can try again.
    """
    if not lines:
        return
    try:
        create()
        with path().open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - 1, 0))
            torn = b"" if file.read(1) == b"\n" else b"\n"  # a crash in the middle of a line
            _append(file, torn + b"".join(_text(line) for line in lines), end)
    except OSError:
        raise Unavailable from None


def append_after_commit(session: Session, lines: Sequence[JournalEntry]) -> None:
    """Add lines that end an earlier wish, once that is certain.

    One that was rolled back must free nobody after a restore, so these come after the commit; where
    they cannot be written, or in a crash between the two, a restored house keeps to the wish.
    """
    if lines:
        db.after_commit(session, lambda: _note(lines))


def _note(lines: Sequence[JournalEntry]) -> None:
    try:
        append(lines)
    except Unavailable:
        logger.error("what ended is not noted for a restore", number=len(lines))  # noqa: TRY400


def create() -> None:
    """Make the file where there is none; whoever comes second finds the first one's."""
    if path().exists():
        return
    path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path().with_name(f".marks.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{HEAD}{secrets.token_hex(16)}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path())
        _keep_names(path().parent)
    finally:
        draft.unlink()


def read() -> Journal | None:
    """Read the file; None where there is none, or where it is something else."""
    try:
        with path().open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # a line that is being written is not a damaged one
            head, *rest = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    if not head.startswith(HEAD.encode()):
        return None
    found = [_line(text) for text in rest if text]
    lines = tuple(line for line in found if line)
    name = head.decode("ascii", "replace").removeprefix(HEAD)
    return Journal(name, lines, damaged=len(found) - len(lines))


def _text(line: JournalEntry) -> bytes:
    moment = (line.at - EPOCH) // MILLISECOND
    reason = "_".join(line.reason.split()) or "-"
    text = f"{line.kind} {line.shop_id} {line.mark.hex()} {moment} {reason}"
    return f"{text} {_check(text.encode())}\n".encode()


def _line(text: bytes) -> JournalEntry | None:
    said, _, check = text.rpartition(b" ")
    if _check(said).encode() != check:
        return None
    try:
        kind, shop_id, mark, moment, reason = said.decode().split(" ")
        at = EPOCH + int(moment) * MILLISECOND
        return JournalEntry(KINDS[kind], bytes.fromhex(mark), int(shop_id), at, reason)
    except (KeyError, ValueError, OverflowError):
        return None


def _append(file: BinaryIO, text: bytes, end: int) -> None:
    try:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    except OSError:
        # Half a line would count as damage, and stop the letters after a restore.
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), end)
        raise


def _check(text: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(text)
    return digest.finalize().hex()[:12]


def _keep_names(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
