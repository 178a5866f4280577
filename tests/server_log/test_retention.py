import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trustsvc import log
from trustsvc.server_log import file_age, retention

pytestmark = pytest.mark.slow

HOUR = datetime(2026, 8, 23, 10, tzinfo=UTC)
NAME = "access-2026-08-23T10.log"
DAY = timedelta(days=1)


def _file(folder, name, written_at=HOUR):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("line\n")
    os.utime(path, (written_at.timestamp(),) * 2, follow_symlinks=False)
    return path


@pytest.mark.parametrize(
    ("age", "goes"),
    [
        (timedelta(hours=1), False),
        (timedelta(days=89), False),
        (timedelta(days=89, hours=22, minutes=59, seconds=59), False),
        (timedelta(days=89, hours=23), True),
        (timedelta(days=89, hours=23, minutes=10), True),
        (timedelta(days=90), True),
        (timedelta(days=9000), True),
        (-timedelta(days=1), False),
    ],
)
def test_a_file_goes_in_the_hour_before_its_first_line_passes_90_days(tmp_path, age, goes):
    path = _file(tmp_path, NAME)

    assert retention.due_files(tmp_path, HOUR + age, 90) == ([path] if goes else [])


def test_a_tick_every_ten_minutes_never_lets_a_line_reach_90_days_nor_takes_one_below_89(tmp_path):
    first_line, last_line = HOUR, HOUR + timedelta(minutes=59, seconds=59)
    for late in range(10):  # whenever in the ten minutes the clock started
        now = HOUR + timedelta(days=88, minutes=late)
        while not retention.due_files(_file(tmp_path, NAME).parent, now, 90):
            now += timedelta(minutes=10)

        assert now - first_line < 90 * DAY
        assert now - last_line > 89 * DAY


@pytest.mark.parametrize(
    "name",
    [
        f"{NAME}.1",
        f"{NAME}.gz",
        f"{NAME}.1.gz",
        f"{NAME}.zst",
        f"{NAME}.tmp",
        f"{NAME} copy",
        f"{NAME}~",
        f".{NAME}.swp",
        f"Copy of {NAME}",
        "access-2026-08-23T10 (1).log",
        "access-2026-08-23T10",
        f"{NAME}-20261101.xz",
        f"old/{NAME}",
        f"old/older/{NAME}.bz2",
        f"\u202e{NAME}\n",
    ],
)
def test_rotated_compressed_copied_and_half_written_variants_go_with_their_hour(tmp_path, name):
    path = _file(tmp_path, name, written_at=HOUR + 89 * DAY)  # copied only yesterday

    assert retention.purge(tmp_path, HOUR + timedelta(days=89, hours=22), 90) == []
    assert retention.purge(tmp_path, HOUR + timedelta(days=89, hours=23), 90) == [path]
    assert not path.exists()


@pytest.mark.parametrize(
    "name", ["notes.txt", "access-2026-13-45T99.log", "access.log", "access-2026-08-23T101.log"]
)
def test_a_file_whose_name_says_no_hour_is_reported_and_goes_by_its_last_writing(tmp_path, name):
    path = _file(tmp_path, name, written_at=HOUR)

    (kept,) = retention.list_files(tmp_path, HOUR + DAY, 90)
    assert (kept.path, kept.strange) == (path, True)
    assert retention.purge(tmp_path, HOUR + timedelta(days=89, hours=22, minutes=59), 90) == []
    assert retention.purge(tmp_path, HOUR + timedelta(days=89, hours=23), 90) == [path]


def test_a_file_of_an_hour_that_has_not_been_does_not_stay_until_then(tmp_path):
    path = _file(tmp_path, "access-2999-01-01T00.log", written_at=HOUR)

    assert retention.list_files(tmp_path, HOUR + DAY, 90)[0].strange
    assert retention.purge(tmp_path, HOUR + 90 * DAY, 90) == [path]


def test_a_symbolic_link_goes_and_what_it_points_at_stays(tmp_path):
    outside = _file(tmp_path / "elsewhere", "precious")
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / NAME).symlink_to(outside)
    (folder / "loop").symlink_to(folder, target_is_directory=True)

    retention.purge(folder, HOUR + 4000 * DAY, 90)

    assert outside.exists()
    assert list(folder.iterdir()) == []


def test_a_shorter_time_is_kept_to_as_well(tmp_path):
    path = _file(tmp_path, NAME)

    assert retention.due_files(tmp_path, HOUR + timedelta(hours=22, minutes=59), 1) == []
    assert retention.due_files(tmp_path, HOUR + timedelta(hours=23), 1) == [path]


def test_only_what_is_due_goes_and_twice_does_no_harm(tmp_path):
    hours = [HOUR + timedelta(hours=number) for number in range(48)]
    for hour in hours:
        _file(tmp_path, hour.strftime("access-%Y-%m-%dT%H.log"), hour)
    now = HOUR + timedelta(days=90, hours=9)

    gone = retention.purge(tmp_path, now, 90)

    assert [path.name for path in gone] == [
        hour.strftime("access-%Y-%m-%dT%H.log") for hour in hours[:11]
    ]
    assert retention.purge(tmp_path, now, 90) == []
    assert len(list(tmp_path.iterdir())) == 37


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert retention.purge(tmp_path / "log", HOUR, 90) == []


def test_a_file_that_vanishes_meanwhile_is_nobodys_error(tmp_path, monkeypatch):
    path = _file(tmp_path, NAME)
    other = _file(tmp_path, f"{NAME}.gz")
    monkeypatch.setattr(retention, "due_files", lambda *_: [path, other])
    path.unlink()

    assert retention.purge(tmp_path, HOUR, 90) == [other]


def test_all_lines_before_the_stated_moment_are_gone(tmp_path):
    now = HOUR + timedelta(days=90, minutes=7)
    before = retention.kept_since(now, 90)
    for number in range(-3, 4):
        hour = HOUR + timedelta(hours=number)
        _file(tmp_path, hour.strftime("access-%Y-%m-%dT%H.log"), hour)

    retention.purge(tmp_path, now, 90)

    kept_from = min(file_age.hour_in_name(path.name) for path in tmp_path.iterdir())
    assert kept_from > before - timedelta(hours=1)
    assert kept_from >= before.replace(minute=0)


LINE = f"{HOUR:%Y-%m-%dT%H:%M:%S}.000Z 203.0.113.7 GET /s/shop 200 5123 -\n"
ALMOST = timedelta(days=89, hours=22, minutes=59, seconds=59)


def _plain(folder, name):
    path = _file(folder, name)
    path.write_text(LINE)
    return path


def _copied_today(folder, name):
    path = _plain(folder, name)
    os.utime(path, ((HOUR + 89 * DAY).timestamp(),) * 2)
    return path


def _written_long_ago(folder, name):
    path = _plain(folder, name)
    os.utime(path, (0, 0))
    return path


def _link(folder, name):
    path = folder / name
    path.symlink_to("/nowhere")
    return path


def _gzipped(folder, name):
    path = _file(folder, name)
    path.write_bytes(gzip.compress(LINE.encode()))
    os.utime(path, ((HOUR + 89 * DAY).timestamp(),) * 2)
    return path


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (_plain, NAME),
        (_plain, f"{NAME}.1"),
        (_plain, f"{NAME}.br"),
        (_plain, f"{NAME}.zst"),
        (_plain, f"{NAME}.xz.part"),
        (_plain, f"below/and/below/{NAME}"),
        (_plain, "access.log"),
        (_copied_today, NAME),
        (_copied_today, f"{NAME}.tmp"),
        (_copied_today, "access.log"),
        (_copied_today, "copy of an hour"),
        (_copied_today, "access-2026-11-30T00.log"),
        (_written_long_ago, NAME),
        (_written_long_ago, "access.log"),
        (_gzipped, "access.log.7.gz"),
        (_gzipped, f"{NAME}.gz"),
        (_link, NAME),
    ],
)
def test_every_kind_of_file_goes_at_its_border_and_not_before(tmp_path, make, name):
    path = make(tmp_path, name)

    assert retention.purge(tmp_path, HOUR + ALMOST, 90) == []
    assert os.path.lexists(path)
    assert retention.purge(tmp_path, HOUR + ALMOST + timedelta(seconds=1), 90) == [path]
    assert not os.path.lexists(path)


@pytest.mark.parametrize(
    ("age_", "left"),
    [
        (timedelta(days=88, hours=23, minutes=59), True),
        (timedelta(days=89), True),
        (timedelta(days=89, hours=23, minutes=59), False),
        (timedelta(days=90), False),
    ],
)
def test_at_90_days_a_line_is_gone_and_at_89_days_it_is_there(tmp_path, age_, left):
    path = _plain(tmp_path, NAME)

    retention.purge(tmp_path, HOUR + age_, 90)

    assert path.exists() is left


@pytest.fixture
def everybodys():
    folder = Path(tempfile.mkdtemp(prefix="trustsvc-log-"))  # pytest's own is for its owner alone
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_folder_nobody_may_look_into_hides_nothing_else_and_is_listed(everybodys, capfd):
    log.configure()
    path = _file(everybodys, NAME)
    (everybodys / "closed").mkdir(0)
    child = os.fork()
    if not child:
        try:
            if not os.getuid():
                os.setuid(65534)  # root looks into everything
            gone = retention.purge(everybodys, HOUR + 91 * DAY, 90)
            listed = [kept.path.name for kept in retention.list_files(everybodys, HOUR, 90)]
            os._exit(0 if (gone, listed) == ([path], ["closed"]) else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    (everybodys / "closed").chmod(0o700)

    assert os.waitstatus_to_exitcode(status) == 0
    assert "server_log.folders_not_readable" in capfd.readouterr().err


def test_folders_in_folders_in_folders_are_looked_into_without_end(tmp_path):
    deep = tmp_path
    for _ in range(1500):
        deep = deep / "a"
        if len(str(deep)) > 3900:
            break
        deep.mkdir()
    path = _file(deep.parent, NAME)

    try:
        assert retention.due_files(tmp_path, HOUR + 90 * DAY, 90) == [path]
    finally:  # pytest's own clearing up goes from folder to folder by recursion, and fails
        subprocess.run(["rm", "-rf", str(tmp_path / "a")], check=True)


@pytest.mark.parametrize(("passed", "number"), [(19, 0), (20, 1), (60 * 24, 1)])
def test_a_missed_purge_is_late_after_two_ticks(tmp_path, passed, number):
    _file(tmp_path, NAME)
    goes_at = HOUR + timedelta(days=89, hours=23)

    assert retention.count_overdue(tmp_path, goes_at + timedelta(minutes=passed), 90) == number


WATCHED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from trustsvc.server_log import retention
seen = []
sys.addaudithook(lambda name, args: seen.append(name) if str(args[:1]).count(sys.argv[1]) else None)
retention.purge(Path(sys.argv[1]), datetime(2027, 1, 1, tzinfo=UTC), 90)
print(sorted(seen))
"""


def test_a_file_is_never_opened_so_a_million_lines_cost_what_a_thousand_do(tmp_path):
    def done(lines):
        folder = tmp_path / str(lines)
        _file(folder, NAME).write_text(LINE * lines)
        command = [sys.executable, "-c", WATCHED, str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert done(1000) == done(1_000_000) == "['os.remove', 'os.scandir']\n"
