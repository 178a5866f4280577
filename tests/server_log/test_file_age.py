import bz2
import gzip
import lzma
import os
from datetime import UTC, datetime, timedelta

import pytest

from trustsvc.server_log import file_age

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
OLD = datetime(2026, 8, 1, 7, 15, 3, tzinfo=UTC)
LINE = "{:%Y-%m-%dT%H:%M:%S}.123Z 203.0.113.7 GET /s/shop 200 5123 -\n"
YESTERDAY = NOW - timedelta(days=1)


def _since(path, written_at=YESTERDAY):
    os.utime(path, (written_at.timestamp(),) * 2, follow_symlinks=False)
    return file_age.first_line_at(path, path.lstat(), NOW)


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("access-2026-08-23T10.log", "2026-08-23T10:00Z"),
        ("access-2026-08-23T10+02:00.log", "2026-08-23T08:00Z"),
        ("access-2026-08-23T10-05:30.log.gz", "2026-08-23T15:30Z"),
        ("access-2026-08-23T10-20261101.log", "2026-08-23T10:00Z"),
        ("access-2026-08-23T10.log to access-2026-08-01T00.log", "2026-08-01T00:00Z"),
        ("access-0001-01-01T00+14:00.log", None),  # before time began
        ("access-2026-13-45T99.log", None),
        ("access.log", None),
    ],
)
def test_a_name_says_its_oldest_hour(name, hour):
    expected = hour and datetime.fromisoformat(hour)

    assert file_age.hour_in_name(name) == expected


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("access.log", bytes),
        ("access.log.1.gz", gzip.compress),
        ("all of august.bz2", bz2.compress),
        ("old.xz", lzma.compress),
        ("access-2999-01-01T00.log", bytes),
        ("access-2026-11-21T09.log", bytes),  # named later than it was last written
    ],
)
def test_where_the_name_cannot_say_the_oldest_line_does_however_fresh_the_copy(
    tmp_path, name, pack
):
    path = tmp_path / name
    text = LINE.format(YESTERDAY) + LINE.format(OLD) + LINE.format(YESTERDAY)
    path.write_bytes(pack(text.encode()))

    assert _since(path) == (OLD.replace(microsecond=0), True)


@pytest.mark.parametrize(
    "line",
    [
        '203.0.113.7 - - [01/Aug/2026:09:15:03 +0200] "GET / HTTP/1.1" 200 5 "-" "-"\n',
        "2026-08-01T09:15:03+02:00 203.0.113.7 GET / 200 5 -\n",
    ],
)
def test_lines_of_another_server_are_read_too(tmp_path, line):
    path = tmp_path / "access.log"
    path.write_text(LINE.format(YESTERDAY) + line)

    assert _since(path) == (OLD, True)


def test_the_oldest_line_may_stand_at_the_end_of_a_large_file(tmp_path):
    path = tmp_path / "all.log"
    path.write_text(LINE.format(YESTERDAY) * 20_000 + LINE.format(OLD))

    assert _since(path)[0] == OLD


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"notes\n",
        b"203.0.113.7 says 2026-08-01T07:15:03Z in the middle\n",
        b"2999-01-01T00:00:00Z a moment that has not been\n",
        b"2026-99-99T00:00:00Z no moment\n",
        b"a [99/Foo/2026:09:15:03 +0200] b\n",
        b"\x1f\x8b but no gzip",
        gzip.compress(b"2026-08-01T07:15:03Z x\n" * 99)[:-20][:30],
        b"BZh broken",
        b"\xfd7zXZ\x00broken",
        os.urandom(100_000),
    ],
    ids=range(11),
)
def test_a_file_that_says_nothing_goes_by_its_last_writing(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)

    assert _since(path) == (YESTERDAY, True)


def test_a_past_hour_in_the_name_of_a_file_nobody_can_read_counts_more_than_a_wrong_last_writing(
    tmp_path,
):
    path = tmp_path / "access-2026-11-20T10.log.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd")

    since, strange = _since(path, datetime(1970, 1, 2, tzinfo=UTC))

    assert (since, strange) == (datetime(2026, 11, 20, 10, tzinfo=UTC), True)


def test_a_pipe_and_a_link_are_never_opened(tmp_path):
    os.mkfifo(tmp_path / "access.log")
    (tmp_path / "real").write_text(LINE.format(OLD))
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert _since(tmp_path / "access.log") == (YESTERDAY, True)
    assert _since(tmp_path / "link") == (YESTERDAY, True)


@pytest.mark.parametrize("written_at", [-(2**33), 0, 2**40])
def test_an_impossible_moment_of_writing_is_no_error(tmp_path, written_at):
    path = tmp_path / "notes.txt"
    path.touch()
    os.utime(path, (written_at, written_at))

    since, _ = file_age.first_line_at(path, path.lstat(), NOW)

    assert since + timedelta(days=90)
