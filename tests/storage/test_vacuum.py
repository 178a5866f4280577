"""Of what was deleted nothing stays: not in the log, not in a table, not in statistics."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from jobs.scrub import scrub
from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.reviews import lookup, moderate, publish, withdraw
from trustsvc.reviews.models import publications
from trustsvc.storage import connections, db, unallocated_space, vacuum
from trustsvc.storage.columns import metadata
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.both_databases


def files(installation):
    return b"".join(path.read_bytes() for path in installation.data.glob("trustsvc.db*"))


@pytest.fixture
def sqlite_installation(installation, database):
    if database != "sqlite":
        pytest.skip(reason="looks into SQLite's files")
    return installation


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

    assert vacuum.rebuild(with_large=True)

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

    assert vacuum.rebuild(with_large=True)
    assert vacuum.rebuild(with_large=True)

    with db.reading() as session:
        assert lookup.find_review(session, public_id).text == "Fiets kwam heel aan."
    shop("Afterwards")


def test_a_rebuild_that_is_held_up_says_so(installation, database, monkeypatch):
    shop()
    if database == "sqlite":
        monkeypatch.setattr(unallocated_space, "ATTEMPTS", 1)
        monkeypatch.setattr(unallocated_space, "READER_MS", 1)
        holding = sqlite3.connect(installation.data / "trustsvc.db", isolation_level=None)
    else:
        monkeypatch.setattr(vacuum, "MAX_WAIT_MS", 1)
        holding = db.engine().connect()
    with closing(holding):
        if database == "sqlite":
            holding.execute("BEGIN IMMEDIATE")
        else:
            holding.begin()
            holding.exec_driver_sql("LOCK TABLE shops IN ACCESS SHARE MODE")
        assert not vacuum.rebuild(with_large=True)
    assert vacuum.rebuild(with_large=True)


@pytest.fixture
def postgresql_installation(installation, database):
    if database != "postgresql":
        pytest.skip(reason="SQLite's file is one")
    return installation


def files_of_tables():
    with db.engine().connect() as connection:
        rows = connection.execute(
            text("SELECT relname, relfilenode FROM pg_class WHERE relkind = 'r'")
        )
        return dict(rows.all())


def rewritten(before):
    return {name for name, file in files_of_tables().items() if before[name] != file}


def test_a_table_in_use_keeps_no_other_from_being_rewritten(postgresql_installation, monkeypatch):
    monkeypatch.setattr(vacuum, "MAX_WAIT_MS", 1)
    before = files_of_tables()
    with db.engine().begin() as holding:
        holding.execute(text("LOCK TABLE orders IN ACCESS SHARE MODE"))
        is_whole = vacuum.rebuild(with_large=True)

    assert not is_whole
    assert rewritten(before) == metadata.tables.keys() - {"orders"} | {
        "alembic_version",
        "pg_statistic",
    }


def test_large_tables_are_rewritten_only_when_asked_for(postgresql_installation, monkeypatch):
    shop()
    vacuum.scrub()
    with db.reading() as session:
        size = dict(session.execute(vacuum.TABLES_BY_SIZE).all())["shops"]
        assert 0 < size <= session.scalar(text("SELECT pg_total_relation_size('shops')"))
    monkeypatch.setattr(vacuum, "TINY_TABLE_BYTES", 1)
    monkeypatch.setattr(vacuum, "SMALL_TABLE_BYTES", size - 1)
    before = files_of_tables()

    assert vacuum.rebuild(with_large=False)
    assert "shops" not in rewritten(before)
    assert "circuit_breakers" in rewritten(before)
    assert vacuum.rebuild(with_large=True)
    assert "shops" in rewritten(before)


def test_a_large_file_is_read_to_the_end_only_when_asked_for(sqlite_installation, monkeypatch):
    overwritten = []
    monkeypatch.setattr(unallocated_space, "overwrite", lambda: overwritten.append(1) or True)
    monkeypatch.setattr(vacuum, "SMALL_FILE_BYTES", 1000)

    assert vacuum.rebuild(with_large=False)
    assert not overwritten
    assert vacuum.rebuild(with_large=True)
    assert overwritten


@pytest.mark.slow
def test_whoever_holds_a_table_makes_it_a_task_for_next_time(installation, database):
    if database == "sqlite":
        pytest.skip(reason="locks no single table")
    with db.engine().begin() as holding:
        holding.execute(text("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"))
        held_up = vacuum.scrub()

    assert (held_up, vacuum.scrub()) == (False, True)
