"""Deleted rows leave no copy in SQLite's pages, and whoever writes meanwhile loses nothing."""

import random
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.waiting import PATIENCE_S
from trustsvc.storage import db, unallocated_space, vacuum

MARKER = b"canary-of-the-page-"
CHURN = """
CREATE TABLE churn (id INTEGER PRIMARY KEY, a TEXT, b TEXT);
CREATE INDEX churn_a ON churn (a);
CREATE TABLE keyed (a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID;
"""
WRITER = """
import fcntl, sqlite3, sys
path, name = sys.argv[1:]
link = sqlite3.connect(path, isolation_level=None, timeout=60)
link.execute("PRAGMA secure_delete = ON")
for number in range(300):
    with open(path.replace(".db", ".lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        link.execute("BEGIN IMMEDIATE")
        for size in (5, 700, 3000):
            key = f"{name}-{number}-{size}"
            link.execute("INSERT INTO churn (a, b) VALUES (?, ?)", (key, "y" * size))
            link.execute("INSERT INTO keyed VALUES (?, ?)", (key, "z" * (size // 3)))
        if number % 3 == 2:
            key = f"{name}-{number - 1}-%"
            link.execute("DELETE FROM churn WHERE a LIKE ?", (key,))
            link.execute("DELETE FROM keyed WHERE a LIKE ?", (key,))
        link.execute("COMMIT")
"""


def connect(installation):
    link = sqlite3.connect(installation.data / "trustsvc.db", isolation_level=None)
    link.execute("PRAGMA secure_delete = ON")
    return link


def churn(link, seed, sizes=(5, 50, 500, 3000, 9000)):
    """Write, change and delete rows of many sizes, so that SQLite moves others between pages."""
    chance = random.Random(seed)
    alive = {}
    link.executescript(CHURN)
    for number in range(3600):
        if number % 600 == 0:
            link.execute("BEGIN")
        marker = f"{MARKER.decode()}{number:05}."
        if chance.random() < 0.6 or not alive:
            key = chance.randrange(10**9)
            size = chance.choice(sizes)
            link.execute("INSERT INTO churn VALUES (?, ?, ?)", (key, marker, "y" * size))
            link.execute("INSERT INTO keyed VALUES (?, ?)", (marker, "z" * (size // 3)))
            alive[key] = marker
        else:
            key = chance.choice(list(alive))
            link.execute("DELETE FROM churn WHERE id = ?", (key,))
            link.execute("DELETE FROM keyed WHERE a = ?", (alive.pop(key),))
        if number % 600 == 599:
            link.execute("COMMIT")
    return set(alive.values())


def files(installation):
    return b"".join(path.read_bytes() for path in installation.data.glob("trustsvc.db*"))


def traces(installation, alive):
    found = re.findall(re.escape(MARKER) + rb"\d{5}\.", files(installation))
    return sorted({marker.decode() for marker in found} - alive)


def is_sound(link):
    return link.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 5, 7])
def test_no_copy_is_left_of_a_row_that_was_moved_and_then_deleted(installation, seed):
    with closing(connect(installation)) as link:
        alive = churn(link, seed)
        vacuum.scrub()
        left_by_secure_delete = traces(installation, alive)

        assert unallocated_space.overwrite()
        vacuum.scrub()

        assert left_by_secure_delete  # the trap: if SQLite mends it, all this may go
        assert traces(installation, alive) == []
        assert is_sound(link)
        assert {row[0] for row in link.execute("SELECT a FROM churn")} == alive
        assert {row[0] for row in link.execute("SELECT a FROM keyed")} == alive


@pytest.mark.slow
def test_a_connection_that_held_the_pages_in_memory_writes_no_copy_back(installation):
    with closing(connect(installation)) as link:
        link.execute("PRAGMA cache_size = -100000")
        alive = churn(link, seed=1)
        vacuum.scrub()
        link.execute("SELECT sum(length(b)) FROM churn").fetchall()  # read after the last change

        assert unallocated_space.overwrite()
        link.execute("UPDATE churn SET b = b || 'q'")
        vacuum.scrub()

        assert traces(installation, alive) == []


@pytest.mark.slow
def test_who_writes_meanwhile_loses_nothing(installation, monkeypatch):
    monkeypatch.setattr(unallocated_space, "BATCH_BYTES", 64 * 1024)
    path = installation.data / "trustsvc.db"
    with closing(connect(installation)) as link:
        churn(link, seed=2)
        link.executescript("DELETE FROM churn; DELETE FROM keyed")
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "ab"
        ]
        rounds = 0
        while any(writer.poll() is None for writer in writers):
            rounds += unallocated_space.overwrite()
        assert [writer.wait(PATIENCE_S) for writer in writers] == [0, 0]

        assert rounds
        assert is_sound(link)
        expected = {
            f"{name}-{number}-{size}"
            for name in "ab"
            for number in range(300)
            for size in (5, 700, 3000)
            if number % 3 != 1
        }
        assert {row[0] for row in link.execute("SELECT a FROM churn")} == expected
        assert {row[0] for row in link.execute("SELECT a FROM keyed")} == expected


def test_the_file_stays_open_because_closing_it_takes_our_locks(installation):
    with closing(connect(installation)) as link:
        link.execute("CREATE TABLE one (a)")
    assert unallocated_space.overwrite()
    first = unallocated_space._open_file
    assert unallocated_space.overwrite()

    assert unallocated_space._open_file == first
    assert Path(f"/proc/self/fd/{first}").exists()


def test_a_program_that_wrote_to_the_log_since_makes_it_a_task_for_later(installation, monkeypatch):
    with closing(connect(installation)) as other:
        other.execute("CREATE TABLE one (a)")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM one").fetchall()  # an old state is being read
        with closing(connect(installation)) as link:
            link.execute("INSERT INTO one VALUES (1)")
        monkeypatch.setattr(unallocated_space, "READER_MS", 1)
        monkeypatch.setattr(unallocated_space, "ATTEMPTS", 2)
        held_up = unallocated_space.overwrite()
        other.execute("COMMIT")

    assert (held_up, unallocated_space.overwrite()) == (False, True)


def test_a_file_with_pages_of_another_kind_is_rewritten_first(installation):
    path = installation.data / "trustsvc.db"
    db.dispose_engines()
    with closing(connect(installation)) as link:
        link.executescript("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = FULL; VACUUM")
        link.execute("PRAGMA journal_mode = WAL")
        assert link.execute("PRAGMA auto_vacuum").fetchone() == (1,)

    assert unallocated_space.overwrite()

    with closing(sqlite3.connect(path)) as link:
        assert link.execute("PRAGMA auto_vacuum").fetchone() == (0,)
        assert is_sound(link)


def test_what_was_overwritten_is_found_no_more(installation):
    path = installation.data / "trustsvc.db"
    with closing(connect(installation)) as link:
        churn(link, seed=1)
    assert unallocated_space.overwrite()
    with db.reading() as session:
        size = session.scalar(text("PRAGMA page_size"))

    pages = path.read_bytes()[size:]
    assert list(unallocated_space.find_unallocated(pages, size)) == []


def test_a_page_that_is_none_of_a_tree_is_left_alone():
    damaged = bytes([13, 0, 0, 0, 9, 0, 3]) + b"x" * 1017  # its cells begin before their pointers
    overflow = bytes(4) + b"y" * 1020

    assert list(unallocated_space.find_unallocated(damaged + overflow, 1024)) == []


def test_the_page_of_an_empty_table_is_the_largest_there_is():
    empty = bytes([13, 0, 0, 0, 0, 0, 0, 0]) + bytes(65528)  # its cells begin at 65536, written 0

    assert list(unallocated_space.find_unallocated(empty, 65536)) == []


def test_a_damaged_free_block_overwrites_nothing_else():
    page = bytearray(b"x" * 2048)
    page[0:8] = bytes([13, 0x04, 0x00, 0, 0, 0x03, 0xF0, 0])  # free block at 1024, cells from 1008
    page[1024:1028] = bytes([0, 0, 0, 1])  # shorter than its own head

    for _, length in unallocated_space.find_unallocated(bytes(page), 2048):
        assert length > 0


@pytest.mark.parametrize("page_size", [1024, 8192])
def test_a_file_that_was_put_in_its_place_is_left_alone(installation, tmp_path, page_size):
    """A restore replaced it while this process ran: its connections have the old one open."""
    path, other = installation.data / "trustsvc.db", tmp_path / "other.db"
    with db.reading() as session:
        session.execute(text("SELECT 1"))
    with closing(sqlite3.connect(other)) as link:
        link.executescript(f"PRAGMA page_size = {page_size}; CREATE TABLE one (a); VACUUM")
        link.execute("PRAGMA journal_mode = WAL")
    other.replace(path)
    before = path.read_bytes()

    overwrote = unallocated_space.overwrite()

    assert not overwrote
    assert path.read_bytes() == before
