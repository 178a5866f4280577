"""The badge's files under `$TRUSTSVC_DATA/public/`: whole at every moment, compressed beside."""

import fcntl
import gzip
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import brotli

from trustsvc import config

# Ends a name, and says by which Content-Encoding (RFC 9110 section 8.4) a file is served.
ENCODINGS = {".br": "br", ".gz": "gzip"}
FOLDER_MODE, FILE_MODE = 0o755, 0o644  # what lies here is for everybody
LEFTOVER_AGE = timedelta(minutes=5)


def folder() -> Path:
    """Say where the files lie that a static server may hand out as they are."""
    return config.current().data / "public"


def write(name: str, body: bytes, *, twins: bool = True) -> bool:
    """Put a file and its compressed twins in place, or leave the ones that say the same.

    Gives whether anything was written; a twin that was lost is written again. A bitmap has no
    twins. What cannot be written is gone afterwards and not old, as old words may have been taken
    back: the service renders what has no file. Raises OSError then.
    """
    path = folder() / name
    beside = [(path.with_name(path.name + end), coding) for end, coding in ENCODINGS.items()]
    beside = beside if twins else []
    if has_content(name, body) and all(twin.is_file() for twin, _ in beside):
        return False
    bodies = {path: body} | {twin: compress(body, coding) for twin, coding in beside}
    _make(path.parent)
    with _alone(path.parent):
        try:
            _swap(bodies)
        except OSError:
            for old in bodies:
                with suppress(OSError):
                    old.unlink(missing_ok=True)
            raise
    return True


def has_content(name: str, body: bytes) -> bool:
    """Say whether a file says exactly this already."""
    try:
        return (folder() / name).read_bytes() == body
    except OSError:
        return False


def exists(name: str) -> bool:
    return (folder() / name).is_file()


def compress(body: bytes, coding: str) -> bytes:
    """Compress as strongly as can be; the same words give the same bytes."""
    if coding == "br":
        smaller: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=11)
        return smaller
    return gzip.compress(body, 9, mtime=0) if coding == "gzip" else body


def shop_slugs(below: str) -> set[str]:
    """Say of which shops anything lies in a folder: each file's and folder's name begins so."""
    place = folder() / below
    names = {path.name.partition(".")[0] for path in place.iterdir()} if place.is_dir() else set()
    return names - {""}


def remove(below: str, gone: Collection[str]) -> None:
    """Remove all that lies there of these shops."""
    for slug in gone:
        for path in (folder() / below).glob(f"{slug}.*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder() / below / slug, ignore_errors=True)


def remove_leftovers(now: datetime) -> None:
    """Remove what a writer left half done when it was stopped: it may hold words taken back."""
    before = (now - LEFTOVER_AGE).timestamp()
    for path in folder().rglob(".*"):
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()


def _make(place: Path) -> None:
    """Make a folder that another user's web server may read, whatever the service's umask."""
    if place.is_dir():
        return
    if place != folder():
        _make(place.parent)
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(FOLDER_MODE)


def _swap(bodies: Mapping[Path, bytes]) -> None:
    """Put files in place, the plain one first.

    The twins of the one that was there go before it does: whoever is stopped between any two steps
    leaves a plain file alone, which is seen, and never one beside a twin that says something else.
    """
    # Names of their own: two processes may refresh at once, and each must move a whole file.
    made = {path: path.with_name(f".{path.name}.{secrets.token_hex(6)}") for path in bodies}
    try:
        for path, beside in made.items():
            _write(beside, bodies[path])
        _, *twins = bodies
        for twin in twins:
            twin.unlink(missing_ok=True)
        for path, beside in made.items():
            beside.replace(path)
    finally:
        for beside in made.values():
            beside.unlink(missing_ok=True)


def _write(path: Path, body: bytes) -> None:
    with path.open("xb") as file:
        file.write(body)
        os.fchmod(file.fileno(), FILE_MODE)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one write here at a time, and have it on disk at the end.

    Of two that mixed, one's twin could stay beside the other's file, and nobody would see it: only
    the plain one is compared.
    """
    held = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
        os.fsync(held)
    finally:
        os.close(held)
