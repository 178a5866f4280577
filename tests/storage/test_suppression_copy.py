"""Each host's own file has what the others wrote.

Also tests:
    trustsvc/storage/suppression_entries.py
    trustsvc/doctor/suppressions.py
"""

import contextlib
import fcntl
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from trustsvc import config
from trustsvc.doctor import suppressions
from trustsvc.storage import db, suppression_copy, suppression_entries, suppression_journal
from trustsvc.storage.suppression_entries import JournalEntry

pytestmark = pytest.mark.both_databases

AT = datetime(2026, 6, 10, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def entry(number, kind="opt_out"):
    return JournalEntry(kind, b"\x01\x01" + number.to_bytes(16, "big"), 7, AT, "stop")


@pytest.fixture
def hosts(installation, tmp_path):
    """Make another host of the same database; the function makes it the present one for a while."""
    other = {
        "TRUSTSVC_DATA": str(tmp_path / "other host"),
        "TRUSTSVC_DATABASE_URL": installation.database_url.replace("+psycopg", ""),
        "TRUSTSVC_REDIS_URL": installation.redis_url,
    }

    @contextlib.contextmanager
    def elsewhere():
        config.use(config.load(other))
        try:
            yield
        finally:
            config.use(installation)

    return elsewhere


def append(*entries):
    with db.transaction() as session:
        suppression_journal.append(session, entries)


def copy(now=AT):
    return suppression_copy.copy(now, at_once=True)


def lines():
    file = suppression_journal.read()
    return [line for line in file.lines if line.kind != "journal"] if file else None


def rows():
    with db.reading() as session:
        return [row for row in suppression_entries.every(session) if row.kind != "journal"]


def old_line(one):
    """Write a line as a version did that kept the journal in files only."""
    milliseconds = int(one.at.timestamp() * 1000)
    content = f"{one.kind} {one.shop_id} {one.subject.hex()} {milliseconds} {one.reason}"
    suppression_journal.create()
    with suppression_journal.path().open("a") as file:
        file.write(f"{content} {suppression_journal._check(content.encode())}\n")


def later(monkeypatch, seconds):
    before = suppression_copy.time.monotonic()
    monkeypatch.setattr(suppression_copy.time, "monotonic", lambda: before + seconds)


def test_what_one_host_wrote_the_other_has_too_and_only_once(hosts):
    append(entry(1), entry(2))
    copy()
    with hosts():
        assert lines() is None
        copy()
        append(entry(3))
        copy()
        assert lines() == [entry(1), entry(2), entry(3)]
        assert suppression_journal.path().stat().st_mode & 0o077 == 0

    assert lines() == [entry(1), entry(2)]
    copy()
    copy()
    assert lines() == [entry(1), entry(2), entry(3)]
    assert [one.id for one in lines()] == [row.id for row in rows()]


def test_a_file_of_a_version_without_rows_is_taken_over_once_and_reaches_the_others(hosts):
    for number in (1, 2):
        old_line(entry(number))
    copy()
    copy()
    with hosts():
        old_line(entry(3))
        copy()
        copy()
        assert sorted(lines(), key=lambda one: one.subject) == [entry(1), entry(2), entry(3)]
        other_id = suppression_journal.read().id

    assert rows() == [entry(1), entry(2), entry(3)]
    copy()
    file = suppression_journal.read()
    named = {line.subject.hex() for line in file.lines if line.kind == "journal"}
    assert named == {file.id, other_id}
    assert lines() == [entry(1), entry(2), entry(3)]


def test_a_lost_copy_is_made_again_and_a_shortened_one_completed(hosts):
    append(entry(1), entry(2))
    copy()
    suppression_journal.path().unlink()
    copy()
    assert lines() == [entry(1), entry(2)]

    content = suppression_journal.path().read_bytes().splitlines(keepends=True)
    suppression_journal.path().write_bytes(b"".join(content[:2]))
    copy()
    assert sorted(lines(), key=lambda one: one.id) == [entry(1), entry(2)]


def test_a_row_that_is_committed_after_a_later_one_is_not_missed(hosts, monkeypatch):
    """On PostgreSQL two transactions draw their ids in one order and may end in the other."""
    append(entry(1), entry(2), entry(3))
    with db.transaction() as session:
        table = suppression_entries.suppression_entries
        session.execute(delete(table).where(table.c.subject == entry(2).subject))
    with hosts():
        copy()
        assert lines() == [entry(1), entry(3)]
        with db.transaction() as session:
            session.execute(table.insert().values(suppression_entries._row(entry(2)) | {"id": 2}))
        later(monkeypatch, suppression_copy.SETTLED_S / 2)
        copy()
        assert lines() == [entry(1), entry(3), entry(2)]


def test_settled_rows_and_their_lines_are_not_read_again(hosts, monkeypatch):
    append(entry(1))
    for _ in range(9):  # one more than is needed: a second may be lost to rounding
        copy()
        later(monkeypatch, suppression_copy.MARK_S)
    copied = suppression_copy._read()

    # Nothing of what is settled is asked for: a hole there is not seen any more.
    assert copied.settled == copied.newest == 2
    assert copied.position == copied.taken_over
    assert len(copied.marks) < 8
    append(entry(2))
    with hosts():
        copy()
        assert lines() == [entry(1), entry(2)]


def test_another_database_under_the_same_file_is_compared_from_the_beginning(hosts, monkeypatch):
    append(entry(1), entry(2))
    for _ in range(8):
        copy()
        later(monkeypatch, suppression_copy.MARK_S)
    assert suppression_copy._read().settled
    table = suppression_entries.suppression_entries
    with db.transaction() as session:  # a failover lost them, and others took their ids
        session.execute(delete(table))
        session.execute(table.insert().values(suppression_entries._row(entry(8)) | {"id": 1}))

    copy()

    assert lines() == [entry(1), entry(2), entry(8)]


def test_one_process_of_a_host_copies_at_a_time_and_not_again_at_once(installation):
    append(entry(1))
    copy()
    with db.transaction() as session:
        suppression_entries.add(session, [entry(2)])
    assert suppression_copy.copy(AT) == 0  # somebody did a moment ago
    suppression_copy.forget()
    with suppression_journal.path().with_name("copy.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert suppression_copy.copy(AT) == 0
    assert lines() == [entry(1)]

    assert suppression_copy.copy(AT) == 1


def test_a_late_copy_is_found_only_where_something_is_missing(hosts):
    append(entry(1))
    copy()
    with hosts():
        copy(AT)
        assert suppressions.copy(AT).status == "ok"
        assert suppressions.copy(AT + 60 * MINUTE).status == "ok"  # nothing was written since
    append(entry(2))
    with hosts():
        assert suppressions.copy(AT + 9 * MINUTE).status == "ok"
        late = suppressions.journal(AT + 11 * MINUTE)
        assert late.status == suppressions.BEHIND
        assert "last at 2026-06-10T10:00:00Z" in late.findings[0].detail
        copy(AT + 11 * MINUTE)
        assert suppressions.journal(AT + 11 * MINUTE).status == "ok"


def test_a_host_that_never_copied_is_late(hosts):
    append(entry(1))
    with hosts():
        assert suppressions.copy(AT + 9 * MINUTE).status == "ok"
        assert suppressions.copy(AT + 11 * MINUTE).status == suppressions.BEHIND


def test_where_nothing_was_ever_written_no_file_is_made(installation):
    assert copy() == 0

    assert suppression_journal.read() is None
    assert rows() == []


def test_a_failure_is_logged_and_the_next_time_comes(installation, monkeypatch, capsys):
    monkeypatch.setattr(suppression_copy, "_copied_at", None)
    suppression_journal.path().mkdir(parents=True)

    with db.transaction() as session:
        suppression_entries.add(session, [entry(1)])
    suppression_copy.copy_if_due()
    suppression_journal.path().rmdir()
    suppression_copy.copy_if_due()
    assert lines() is None  # it is not due yet
    monkeypatch.setattr(suppression_copy, "_copied_at", None)
    suppression_copy.copy_if_due()

    assert lines() == [entry(1)]


def test_restored_entries_keep_their_ids_and_new_ones_come_after_them(installation):
    with db.transaction() as session:
        suppression_entries.add(session, [entry(1)])
        kept = [
            JournalEntry(*_parts(entry(1)), id=1),
            JournalEntry(*_parts(entry(5)), id=50),
            JournalEntry(*_parts(entry(6)), id=50),
            JournalEntry(*_parts(entry(7, "opt_in_again")), id=50),
            entry(9),
        ]
        suppression_entries.add_known(session, kept)
        suppression_entries.add_known(session, kept)
        suppression_entries.add(session, [entry(10)])

    found = rows()
    assert found == [entry(1), entry(5), entry(6), entry(9), entry(10)]
    assert [row.id for row in found][:2] == [1, 50]
    assert all(row.id > 50 for row in found[2:])


def _parts(one):
    return one.kind, one.subject, one.shop_id, one.at, one.reason
