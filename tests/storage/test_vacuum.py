"""Of what was deleted nothing stays: not in the log, not in a page, not in statistics."""

import random
import re
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from jobs.scrub import scrub
from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.reviews import lookup, moderate, publish, withdraw
from trustsvc.reviews.models import publications
from trustsvc.storage import connections, db, vacuum
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.both_databases

MARKER = b"canary-of-the-page-"


def files(installation):
    return b"".join(path.read_bytes() for path in installation.data.glob("trustsvc.db*"))


@pytest.fixture
def sqlite_installation(installation, database):
    if database != "sqlite":
        pytest.skip(reason="looks into SQLite's files")
    return installation


def churn(installation):
    """Write, change and delete rows of many sizes, so that SQLite moves others between pages."""
    chance = random.Random(1)
    alive = {}
    with closing(sqlite3.connect(installation.data / "trustsvc.db", isolation_level=None)) as link:
        link.execute("PRAGMA secure_delete = ON")
        link.execute("CREATE TABLE churn (id INTEGER PRIMARY KEY, a TEXT, b TEXT)")
        link.execute("CREATE INDEX churn_a ON churn (a)")
        for number in range(3600):
            if number % 600 == 0:
                link.execute("BEGIN")
            marker = f"{MARKER.decode()}{number:05}."
            if chance.random() < 0.6 or not alive:
                key = chance.randrange(10**9)
                size = chance.choice([5, 50, 500, 3000, 9000])
                link.execute("INSERT INTO churn VALUES (?, ?, ?)", (key, marker, "y" * size))
                alive[key] = marker
            else:
                key = chance.choice(list(alive))
                link.execute("DELETE FROM churn WHERE id = ?", (key,))
                del alive[key]
            if number % 600 == 599:
                link.execute("COMMIT")
    return set(alive.values())


def traces(installation, alive):
    found = re.findall(re.escape(MARKER) + rb"\d{5}\.", files(installation))
    return sorted({marker.decode() for marker in found} - alive)


@pytest.mark.slow
def test_a_rebuild_leaves_no_copy_of_a_row_that_was_moved_and_then_deleted(sqlite_installation):
    alive = churn(sqlite_installation)
    vacuum.scrub()
    left_by_secure_delete = traces(sqlite_installation, alive)

    assert vacuum.rebuild()

    assert left_by_secure_delete  # the trap: if SQLite mends it, rebuild() may go
    assert traces(sqlite_installation, alive) == []
    assert all(marker.encode() in files(sqlite_installation) for marker in list(alive)[:5])


def test_a_scrub_empties_the_log_once_no_reader_holds_it(sqlite_installation):
    wal = sqlite_installation.data / "trustsvc.db-wal"
    with closing(sqlite3.connect(sqlite_installation.data / "trustsvc.db")) as reader:
        shop()
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM shops").fetchone()
        shop("Other")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(connections, "LOCK_TIMEOUT_S", 0.05)
            db.dispose_engines()
            assert not vacuum.scrub()
        assert wal.stat().st_size > 0
    db.dispose_engines()
    assert vacuum.scrub()
    assert not wal.exists() or wal.stat().st_size == 0


def test_the_words_of_a_withdrawn_review_leave_the_log_by_the_job_that_is_enqueued(
    sqlite_installation,
):
    words = "Nobody-else-writes-this-sentence"
    enqueued = []
    public_id = review(shop(), text=words)
    with job_queue.capture(enqueued.append), db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", clock.now())
        publish.publish_approved(session, clock.now())
    assert "scrub" not in enqueued
    with job_queue.capture(enqueued.append), db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())

    assert words.encode() in files(sqlite_installation)
    assert "scrub" in enqueued
    scrub()
    assert words.encode() not in files(sqlite_installation)


def test_postgresql_keeps_no_samples_of_published_names(installation, database):
    if database != "postgresql":
        pytest.skip(reason="PostgreSQL's statistics")
    at_shop = shop()
    for _ in range(20):
        public_id = review(at_shop, name="Sampled Name")
        with db.transaction() as session:
            moderate.approve(session, public_id, "staff 1", clock.now())
            publish.publish_approved(session, clock.now())

    assert vacuum.rebuild()

    with db.engine().connect() as connection:
        seen = connection.execute(
            text("SELECT attname FROM pg_stats WHERE tablename = 'publications'")
        ).scalars()
        assert {"stars"} <= set(seen)
        samples = connection.execute(
            text("SELECT count(*) FROM pg_stats WHERE most_common_vals::text LIKE '%Sampled%'")
        ).scalar_one()
    assert samples == 0
    with db.reading() as session:
        assert len(session.execute(publications.select()).all()) == 20


def test_a_rebuild_keeps_everything_that_lives(installation):
    public_id = review(shop())

    assert vacuum.rebuild()
    assert vacuum.rebuild()

    with db.reading() as session:
        assert lookup.find_review(session, public_id).text == "Fiets kwam heel aan."
    shop("Afterwards")
    assert vacuum.is_small()


def test_a_rebuild_that_is_held_up_changes_nothing_and_says_so(installation, database):
    shop()
    if database == "sqlite":
        holding = sqlite3.connect(installation.data / "trustsvc.db", isolation_level=None)
    else:
        holding = db.engine().connect()
    with closing(holding), pytest.MonkeyPatch.context() as patched:
        patched.setattr(connections, "LOCK_TIMEOUT_S", 0.05)
        if database == "sqlite":
            db.dispose_engines()
            holding.execute("BEGIN IMMEDIATE")
        else:
            holding.begin()
            holding.exec_driver_sql("LOCK TABLE shops IN ACCESS SHARE MODE")
        assert not vacuum.rebuild()
    db.dispose_engines()
    assert vacuum.rebuild()


@pytest.mark.slow
def test_whoever_holds_a_table_makes_it_a_task_for_next_time(installation, database):
    if database == "sqlite":
        pytest.skip(reason="locks no single table")
    with db.engine().begin() as holding:
        holding.execute(text("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"))
        held_up = vacuum.scrub()

    assert (held_up, vacuum.scrub()) == (False, True)
