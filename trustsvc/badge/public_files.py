"""The badge's files under `$TRUSTSVC_DATA/public/`: replaced atomically, with compressed twins."""

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
from trustsvc.storage import host_lock

# A twin's suffix and its Content-Encoding (RFC 9110 section 8.4).
ENCODINGS = {".br": "br", ".gz": "gzip"}
FOLDER_MODE, FILE_MODE = 0o755, 0o644  # everything here is public
LEFTOVER_AGE = timedelta(minutes=5)


def folder() -> Path:
    """Folder of the files that a static server may serve unchanged."""
    return config.current().data / "public"


def write(name: str, body: bytes, *, twins: bool = True) -> bool:
    """Write a file and its compressed twins; returns False if they are there with this content.

    A missing twin is written again; a bitmap has none. If writing fails, the old files are deleted,
    as withdrawn text must not stay public, and OSError is raised; the service renders what has no
    file.
    """
    path = folder() / name
    beside = [(path.with_name(path.name + end), coding) for end, coding in ENCODINGS.items()]
    beside = beside if twins else []
    if has_content(name, body) and all(twin.is_file() for twin, _ in beside):
        return False
    bodies = {path: body} | {twin: compress(body, coding) for twin, coding in beside}
    _make_folder(path.parent)
    with _locked(path.parent):
        try:
            _swap(bodies)
        except OSError:
            for old in bodies:
                with suppress(OSError):
                    old.unlink(missing_ok=True)
            raise
    return True


def has_content(name: str, body: bytes) -> bool:
    """Whether a file has exactly this content."""
    try:
        return (folder() / name).read_bytes() == body
    except OSError:
        return False


def exists(name: str) -> bool:
    return (folder() / name).is_file()


def compress(body: bytes, coding: str) -> bytes:
    """Compress at the highest level; deterministic."""
    if coding == "br":
        smaller: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=11)
        return smaller
    return gzip.compress(body, 9, mtime=0) if coding == "gzip" else body


def shop_slugs(below: str) -> set[str]:
    """Slugs of the shops with files in a folder: the first part of each entry's name."""
    parent = folder() / below
    paths = parent.iterdir() if parent.is_dir() else ()
    names = {path.name.partition(".")[0] for path in paths}
    return names - {""}


def remove(below: str, gone: Collection[str]) -> None:
    """Remove all files of these shops in a folder."""
    for slug in gone:
        for path in (folder() / below).glob(f"{slug}.*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder() / below / slug, ignore_errors=True)


def remove_leftovers(now: datetime) -> None:
    """Remove temporary files of interrupted writers: they may hold withdrawn text."""
    before = (now - LEFTOVER_AGE).timestamp()
    for path in folder().rglob(".*"):
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()


def _make_folder(path: Path) -> None:
    """Make a folder that a web server of another user may read, whatever the umask."""
    if path.is_dir():
        return
    if path != folder():
        _make_folder(path.parent)
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(FOLDER_MODE)


def _swap(bodies: Mapping[Path, bytes]) -> None:
    """Replace files, the plain one first.

    The old twins are deleted before it is replaced. An interruption leaves at worst a plain file
    without twins, which the next write repairs; never one beside a twin of other content.
    """
    # Unique names: two processes may refresh at once, and each must move a whole file.
    temporary = {path: path.with_name(f".{path.name}.{secrets.token_hex(6)}") for path in bodies}
    try:
        for path, beside in temporary.items():
            _write(beside, bodies[path])
        _, *twins = bodies
        for twin in twins:
            twin.unlink(missing_ok=True)
        for path, beside in temporary.items():
            beside.replace(path)
    finally:
        for beside in temporary.values():
            beside.unlink(missing_ok=True)


def _write(path: Path, body: bytes) -> None:
    with path.open("xb") as file:
        file.write(body)
        os.fchmod(file.fileno(), FILE_MODE)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def only_one_refresher() -> Iterator[bool]:
    """Say whether no other process of this host refreshes: it would put back what it read before.

    The lock ends with the process. With a folder that cannot be made it raises OSError.
    """
    _make_folder(folder())
    with host_lock.try_lock(os.open(folder(), os.O_RDONLY | os.O_CLOEXEC)) as is_ours:
        yield is_ours


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Allow one writer in a folder at a time, and sync the folder at the end.

    Two writers at once could leave one's twin beside the other's file, unnoticed: only the plain
    file is compared.
    """
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        os.fsync(lock)
    finally:
        os.close(lock)
