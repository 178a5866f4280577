r"""The one file of a backup, and whether it is whole.

    trustsvc-backup 1\n
    the manifest, JSON in one line\n
    the database (`size` bytes): an SQLite file, or what pg_dump -Fc wrote
    32 bytes of SHA-256 over all of that

Without trustsvc: `tail -n +3 FILE | head -c SIZE`.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from cryptography.hazmat.primitives import hashes

from trustsvc import __version__
from trustsvc.backup.manifest import FORMAT, Manifest
from trustsvc.errors import Refused

HEADER = b"trustsvc-backup 1\n"
CHECKSUM_SIZE = 32
CHUNK_SIZE = 1024 * 1024
MAX_HEADER_SIZE = 64
MAX_MANIFEST_SIZE = 1024 * 1024
_HEADER = re.compile(rb"trustsvc-backup ([0-9]{1,6})\n")


class _Maker(msgspec.Struct):
    """What says in a manifest of any format who made it."""

    format: int = FORMAT
    trustsvc: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z.+-]{1,40}$")] = ""


def write(path: Path, manifest: Manifest, database: Path) -> None:
    """Write a backup, readable by its owner only, and wait until it is on disk."""
    digest = hashes.Hash(hashes.SHA256())
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, database.open("rb") as content:
        for chunk in (
            HEADER,
            msgspec.json.encode(manifest),
            b"\n",
            *_chunks(content, manifest.size),
        ):
            digest.update(chunk)
            file.write(chunk)
        file.write(digest.finalize())
        file.flush()
        os.fsync(file.fileno())


def check(path: Path) -> tuple[Manifest, bytes]:
    """Read a whole backup; gives its manifest and the SHA-256 of its database.

    Raises Refused if a single byte differs.
    """
    return _read(path, None)


def sha256(path: Path) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    with path.open("rb") as file:
        for chunk in _chunks(file, path.stat().st_size):
            digest.update(chunk)
    return digest.finalize()


def copy_database(path: Path, to: Path) -> bytes:
    """Extract the database into a new file, checking again; gives its SHA-256.

    Raises Refused; the file is not to be used then.
    """
    handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as database:
        _, content = _read(path, database)
        database.flush()
        os.fsync(database.fileno())
    return content


def _read(path: Path, database: BinaryIO | None) -> tuple[Manifest, bytes]:
    digest, content = hashes.Hash(hashes.SHA256()), hashes.Hash(hashes.SHA256())
    with _opened(path) as file:
        _require_known_format(file)
        manifest = _manifest(file)
        begin = file.tell()
        left = os.fstat(file.fileno()).st_size - CHECKSUM_SIZE
        file.seek(0)
        for chunk in _chunks(file, min(begin, left)):
            digest.update(chunk)
        for chunk in _chunks(file, left - begin):
            digest.update(chunk)
            content.update(chunk)
            if database:
                database.write(chunk)
        is_whole = file.read() == digest.finalize()
    if not is_whole or manifest is None or manifest.size != left - begin:
        raise Refused("The backup is damaged: its checksum does not match. Take another copy.")
    return manifest, content.finalize()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # Opening a pipe without O_NONBLOCK waits for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        raise Refused("The backup cannot be read.") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Refused("The backup cannot be read: it is not a plain file.")
        yield file


def _require_known_format(file: BinaryIO) -> None:
    """Raise Refused for another format; a newer one may have other fields, or be no JSON at all."""
    found = _HEADER.fullmatch(file.readline(MAX_HEADER_SIZE))
    if not found:
        raise Refused("This is not a backup of trustsvc, or its beginning is damaged.")
    try:
        maker = msgspec.json.decode(file.readline(MAX_MANIFEST_SIZE), type=_Maker)
    except msgspec.DecodeError:
        maker = _Maker()
    formats = {int(found[1]), maker.format} - {FORMAT}
    if formats:
        by = f"trustsvc {maker.trustsvc}" if maker.trustsvc else "another trustsvc"
        raise Refused(
            f"The backup was made by {by}, in format {max(formats)}; this is trustsvc "
            f"{__version__}, which reads format {FORMAT}: install {by} and restore with it. "
            "Nothing was changed."
        )
    file.seek(len(HEADER))


def _manifest(file: BinaryIO) -> Manifest | None:
    try:
        return msgspec.json.decode(file.readline(MAX_MANIFEST_SIZE), type=Manifest)
    except msgspec.DecodeError:
        return None


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0:
        chunk = file.read(min(size, CHUNK_SIZE))
        if not chunk:
            return
        size -= len(chunk)
        yield chunk
