import stat
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from tests.waiting import PATIENCE_S
from trustsvc import config
from trustsvc.errors import Unavailable
from trustsvc.storage import suppression_journal
from trustsvc.storage.suppression_journal import JournalEntry

AT = datetime(2026, 6, 10, 10, tzinfo=UTC)
LINE = JournalEntry("opt_out", b"\x01\x01" + b"m" * 16, 7, AT, "stop")


@pytest.fixture
def place(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path / "data")}))
    yield suppression_journal.path()
    config.use(None)


def test_lines_come_back_as_they_were_written(place):
    leave = JournalEntry("unregister", b"\x01\x02" + b"n" * 16, 0, AT, "a reason\nin two lines")
    suppression_journal.append([LINE])
    suppression_journal.append([leave])

    found = suppression_journal.read()

    assert found.damaged == 0
    assert found.lines[0] == LINE
    assert found.lines[1].subject == leave.subject
    assert found.lines[1].reason == "a_reason_in_two_lines"


def test_it_is_for_its_owner_alone(place):
    suppression_journal.append([LINE])

    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_where_there_is_none_there_is_none(place):
    assert suppression_journal.read() is None
    suppression_journal.append([])
    assert suppression_journal.read() is None


def test_something_else_is_not_taken_for_it(place):
    place.parent.mkdir(parents=True)
    place.write_bytes(b"\xff\xfe something else")

    assert suppression_journal.read() is None


def test_a_line_torn_by_a_crash_spoils_none_that_comes_after(place):
    suppression_journal.append([LINE])
    with place.open("ab") as file:
        file.write(b"opt_out 7 0101")
    suppression_journal.append([LINE])

    found = suppression_journal.read()

    assert found.lines == (LINE, LINE)
    assert found.damaged == 1


@pytest.mark.parametrize("at", [70, 90, 100, -3])
def test_a_changed_line_is_not_believed(place, at):
    suppression_journal.append([LINE])
    content = bytearray(place.read_bytes())
    content[at] ^= 1
    place.write_bytes(content)

    assert (suppression_journal.read().lines, suppression_journal.read().damaged) == ((), 1)


@pytest.mark.slow
def test_processes_that_write_at_once_lose_no_line(place):
    write = (
        "from datetime import UTC, datetime\n"
        "from trustsvc.storage import suppression_journal as s\n"
        "at = datetime(2026, 6, 10, tzinfo=UTC)\n"
        "line = s.JournalEntry('opt_out', b'm' * 18, 7, at, 'stop')\n"
        "for _ in range(50): s.append([line])\n"
    )
    environ = {"TRUSTSVC_DATA": str(place.parents[1]), "PATH": "/usr/bin:/bin"}
    started = [subprocess.Popen([sys.executable, "-c", write], env=environ) for _ in range(3)]

    assert [process.wait(PATIENCE_S) for process in started] == [0, 0, 0]
    assert (len(suppression_journal.read().lines), suppression_journal.read().damaged) == (150, 0)


def test_where_it_cannot_be_written_the_opt_out_is_not_taken_for_written(place):
    place.mkdir(parents=True)

    with pytest.raises(Unavailable):
        suppression_journal.append([LINE])
