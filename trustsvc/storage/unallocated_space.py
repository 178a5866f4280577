"""Overwrite the unallocated space of SQLite's pages, a few megabytes at a time.

`secure_delete` overwrites a deleted row, but not the copies that SQLite left behind when it moved
the row between pages. These lie between a page's cell pointers and its cells
(https://www.sqlite.org/fileformat2.html#b_tree_pages), where SQLite reads nothing: zeros are
written there into the file itself, while no other process can write and the write-ahead log is
empty.
"""

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from trustsvc.storage import db

BATCH_BYTES = 16 * 1024 * 1024  # some 50 ms, while writers wait
BATCH_PAUSE_S = 2 * db.LOCK_POLL_S  # writers who wait go first
READER_MS = 200  # how long a batch waits for readers of the log, and writers for it
ATTEMPTS = 10
PAGE_HEADER = struct.Struct(">BHHH")  # kind, first free block, cells, start of the cells
HEADER_SIZE = {2: 12, 5: 12, 10: 8, 13: 8}  # by kind; other pages are no part of a B-tree
# From here on the first byte of another page, part of a page number, could be a kind.
MAX_PAGES = min(HEADER_SIZE) << 24
ZEROS = bytes(65536)

_open_file: int | None = None


def overwrite() -> bool:
    """Overwrite it in the whole database; False when a reader held the log: to be repeated.

    False too for a file of 137 GB or more, for one that was put in place of the open one, and for
    one with reserved bytes on its pages.
    """
    with _connection() as connection:
        if _pragma(connection, "auto_vacuum"):  # it has pages of another kind, that look alike
            _end_auto_vacuum(connection)
        page_size, pages = _pragma(connection, "page_size"), _pragma(connection, "page_count")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")  # nobody waits for it
    if pages >= MAX_PAGES:
        return False
    file = _file()
    size = BATCH_BYTES // page_size * page_size
    # The first page is left out: no row of ours is in it, and each batch ends by writing it.
    for start in range(page_size, pages * page_size, size):
        if not _overwrite_batch(file, page_size, start, size):
            return False
    os.fdatasync(file)
    return True


def _end_auto_vacuum(connection: Connection) -> None:
    """Rewrite the file without it, once: only another build of SQLite makes such a file."""
    with db.exclusive_writer():
        connection.exec_driver_sql("PRAGMA auto_vacuum = NONE")
        connection.exec_driver_sql("VACUUM")


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def _overwrite_batch(file: int, page_size: int, start: int, size: int) -> bool:
    for _ in range(ATTEMPTS):
        with _connection() as connection, db.exclusive_writer():
            done = _overwrite_while_locked(connection, file, page_size, start, size)
        time.sleep(BATCH_PAUSE_S)
        if done:
            return True
    return False


def _overwrite_while_locked(
    connection: Connection, file: int, page_size: int, start: int, size: int
) -> bool:
    busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    if busy:
        return False
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    wal = Path(f"{db.engine().url.database}-wal")
    # Written since by a program that is not ours, or another file that was put in its place.
    is_written = wal.exists() and wal.stat().st_size
    if is_written or not _is_of(connection, file, page_size):
        connection.exec_driver_sql("ROLLBACK")
        return False
    pages = os.pread(file, size, start)
    found = False
    for at, length in find_unallocated(pages, page_size):
        os.pwrite(file, ZEROS[:length], start + at)
        found = True
    if found:  # a commit has every connection forget the pages it holds in memory
        version = _pragma(connection, "user_version")
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
    connection.exec_driver_sql("COMMIT")
    return True


def _is_of(connection: Connection, file: int, page_size: int) -> bool:
    """Whether the file is still the one that lies there and that the connection has open.

    An extension that keeps checksums in bytes reserved on each page would not agree with ours.
    """
    head = os.pread(file, 100, 0)
    size, reserved, pages = struct.unpack_from(">16xHxxB7xI", head)
    path = Path(db.engine().url.database or "")
    return (
        os.path.samestat(os.fstat(file), path.stat())
        and (65536 if size == 1 else size) == page_size == _pragma(connection, "page_size")
        and pages == _pragma(connection, "page_count")
        and reserved == 0
    )


def find_unallocated(pages: bytes, page_size: int) -> Iterator[tuple[int, int]]:
    """Find what is not zero in the unallocated space of B-tree pages: places and lengths."""
    for page in range(0, len(pages), page_size):
        kind, free, cells, content = PAGE_HEADER.unpack_from(pages, page)
        if kind not in HEADER_SIZE:
            continue
        begin, end = HEADER_SIZE[kind] + 2 * cells, content or 65536
        if not begin <= end <= page_size:
            continue  # a freed page with something else in it, or damage
        spaces = [(begin, end)]
        while end <= free <= page_size - 4:
            after, length = struct.unpack_from(">HH", pages, page + free)
            spaces.append((free + 4, min(free + length, page_size)))
            free = after if after > free else 0
        for one, other in spaces:
            if one < other and pages[page + one : page + other] != ZEROS[: other - one]:
                yield page + one, other - one


@contextmanager
def _connection() -> Iterator[Connection]:
    """Open a connection that waits for nobody long; it is discarded with the pages it holds."""
    options = {"isolation_level": "AUTOCOMMIT", "trustsvc_no_transaction": True}
    with db.engine().connect().execution_options(**options) as connection:
        try:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {READER_MS}")
            yield connection
        finally:
            connection.invalidate()


def _file() -> int:
    """Open the database's file, and keep it open.

    To close it would take all of SQLite's locks from this process
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    global _open_file  # noqa: PLW0603 - one file a process
    path = db.engine().url.database or ""
    if _open_file is not None and not os.path.samestat(os.fstat(_open_file), Path(path).stat()):
        os.close(_open_file)  # of another database, which nobody here uses any more
        _open_file = None
    if _open_file is None:
        _open_file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    return _open_file
