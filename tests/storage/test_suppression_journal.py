import contextlib
import stat
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from tests.waiting import PATIENCE_S
from trustsvc.errors import Unavailable
from trustsvc.storage import db, suppression_entries, suppression_journal
from trustsvc.storage.suppression_entries import JournalEntry

AT = datetime(2026, 6, 10, 10, tzinfo=UTC)
LINE = JournalEntry("opt_out", b"\x01\x01" + b"m" * 16, 7, AT, "stop")
AGAIN = JournalEntry("opt_in_again", b"\x01\x01" + b"m" * 16, 7, AT, "taken_back")


@pytest.fixture
def place(installation):
    return suppression_journal.path()


def append(*entries):
    with db.transaction() as session:
        suppression_journal.append(session, entries)


def test_lines_come_back_as_they_were_written(place):
    leave = JournalEntry("unregister", b"\x01\x02" + b"n" * 16, 0, AT, "a reason\nin two lines")
    append(LINE)
    append(leave)

    found = suppression_journal.read()

    assert found.damaged == 0
    assert found.lines[0] == LINE
    assert found.lines[1].subject == leave.subject
    assert found.lines[1].reason == "a_reason_in_two_lines"


def test_it_is_for_its_owner_alone(place):
    append(LINE)

    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_where_there_is_none_there_is_none(place):
    assert suppression_journal.read() is None
    append()
    assert suppression_journal.read() is None


def test_something_else_is_not_taken_for_it(place):
    place.parent.mkdir(parents=True)
    place.write_bytes(b"\xff\xfe something else")

    assert suppression_journal.read() is None


def test_a_line_torn_by_a_crash_spoils_none_that_comes_after(place):
    append(LINE)
    with place.open("ab") as file:
        file.write(b"opt_out 7 0101")
    append(LINE)

    found = suppression_journal.read()

    assert found.lines == (LINE, LINE)
    assert found.damaged == 1


@pytest.mark.parametrize("at", [70, 90, 100, -3])
def test_a_changed_line_is_not_believed(place, at):
    append(LINE)
    content = bytearray(place.read_bytes())
    content[at] ^= 1
    place.write_bytes(content)

    assert (suppression_journal.read().lines, suppression_journal.read().damaged) == ((), 1)


@pytest.mark.slow
def test_processes_that_write_at_once_lose_no_line(place):
    write = (
        "from datetime import UTC, datetime\n"
        "from trustsvc.storage import suppression_entries, suppression_journal as s\n"
        "at = datetime(2026, 6, 10, tzinfo=UTC)\n"
        "line = suppression_entries.JournalEntry('opt_out', b'm' * 18, 7, at, 'stop')\n"
        "for _ in range(50): s.append_lines([line])\n"
    )
    environ = {"TRUSTSVC_DATA": str(place.parents[1]), "PATH": "/usr/bin:/bin"}
    started = [subprocess.Popen([sys.executable, "-c", write], env=environ) for _ in range(3)]

    assert [process.wait(PATIENCE_S) for process in started] == [0, 0, 0]
    assert (len(suppression_journal.read().lines), suppression_journal.read().damaged) == (150, 0)


def test_where_it_cannot_be_written_the_opt_out_is_not_taken_for_written(place):
    place.mkdir(parents=True)

    with pytest.raises(Unavailable):
        append(LINE)

    assert rows() == []


def rows():
    with db.reading() as session:
        return list(suppression_entries.every(session))


def test_the_line_is_on_disk_before_its_row_is_and_a_row_that_never_came_leaves_it(place):
    with db.transaction() as session:
        suppression_journal.append(session, [LINE])
        assert suppression_journal.read().lines == (LINE,)
        session.rollback()

    assert suppression_journal.read().lines == (LINE,)
    assert rows() == []


def test_what_ends_an_earlier_entry_is_a_line_only_once_its_row_is_there(place):
    with contextlib.suppress(Unavailable), db.transaction() as session:
        suppression_journal.append_after_commit(session, [AGAIN])
        raise Unavailable
    assert suppression_journal.read() is None

    with db.transaction() as session:
        suppression_journal.append_after_commit(session, [AGAIN])
        assert suppression_journal.read() is None

    assert suppression_journal.read().lines == (AGAIN,)
    assert rows() == [AGAIN]


def test_a_line_names_its_row(place):
    append(LINE, AGAIN)
    append(LINE)

    assert [line.id for line in suppression_journal.read().lines] == [row.id for row in rows()]
    assert len({row.id for row in rows()}) == 3


def test_lines_of_a_version_without_rows_are_read_too(place):
    suppression_journal.create()
    with place.open("ab") as file:
        file.write(b"opt_out 7 01016d6d 1781085600000 stop ")
        file.write(suppression_journal._check(b"opt_out 7 01016d6d 1781085600000 stop").encode())

    found = suppression_journal.read()

    assert (found.damaged, found.lines[0].reason, found.lines[0].id) == (0, "stop", 0)


def test_only_the_lines_from_a_position_on_are_read(place):
    append(LINE)
    end = suppression_journal.read().end
    append(AGAIN)

    assert suppression_journal.read(position=end).lines == (AGAIN,)
