"""The badge's files under `$TRUSTSVC_DATA/public/`: whole at every moment, compressed beside."""

import gzip
import os
import secrets
from pathlib import Path

import brotli

from trustsvc import config

# Ends a name, and says by which Content-Encoding (RFC 9110 section 8.4) a file is served.
ENCODINGS = {".br": "br", ".gz": "gzip"}


def folder() -> Path:
    """Say where the files lie that a static server may hand out as they are."""
    return config.current().data / "public"


def put(name: str, body: bytes) -> bool:
    """Put a file and its compressed twins in place, or leave the ones that say the same.

    The compressed ones go first: whoever finds the plain one new finds all of them new. Gives
    whether anything was written; a twin that was lost is written again.
    """
    path = folder() / name
    same = path.is_file() and path.read_bytes() == body
    twins = [path.with_name(path.name + end) for end in ENCODINGS]
    if same and all(twin.is_file() for twin in twins):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    for twin, packed in zip(twins, (_brotli(body), _gzip(body)), strict=True):
        _replace(twin, packed)
    _replace(path, body)
    _sync(path.parent)
    return True


def _brotli(body: bytes) -> bytes:
    packed: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=11)
    return packed


def _gzip(body: bytes) -> bytes:
    # No moment inside, so that the same words give the same bytes.
    return gzip.compress(body, 9, mtime=0)


def _replace(path: Path, body: bytes) -> None:
    # A name of its own: two processes may refresh at once, and each must move a whole file.
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with beside.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _sync(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
