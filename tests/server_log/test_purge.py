import os
from datetime import UTC, datetime, timedelta

import pytest

from trustsvc.server_log import age, purge

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

    assert purge.due(tmp_path, HOUR + age, 90) == ([path] if goes else [])


def test_a_tick_every_ten_minutes_never_lets_a_line_reach_90_days_nor_takes_one_below_89(tmp_path):
    first_line, last_line = HOUR, HOUR + timedelta(minutes=59, seconds=59)
    for late in range(10):  # whenever in the ten minutes the clock started
        now = HOUR + timedelta(days=88, minutes=late)
        while not purge.due(_file(tmp_path, NAME).parent, now, 90):
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

    assert purge.purge(tmp_path, HOUR + timedelta(days=89, hours=22), 90) == []
    assert purge.purge(tmp_path, HOUR + timedelta(days=89, hours=23), 90) == [path]
    assert not path.exists()


@pytest.mark.parametrize(
    "name", ["notes.txt", "access-2026-13-45T99.log", "access.log", "access-2026-08-23T101.log"]
)
def test_a_file_whose_name_says_no_hour_is_reported_and_goes_by_its_last_writing(tmp_path, name):
    path = _file(tmp_path, name, written_at=HOUR)

    (kept,) = purge.everything(tmp_path, HOUR + DAY, 90)
    assert (kept.path, kept.strange) == (path, True)
    assert purge.purge(tmp_path, HOUR + timedelta(days=89, hours=22, minutes=59), 90) == []
    assert purge.purge(tmp_path, HOUR + timedelta(days=89, hours=23), 90) == [path]


def test_a_file_of_an_hour_that_has_not_been_does_not_stay_until_then(tmp_path):
    path = _file(tmp_path, "access-2999-01-01T00.log", written_at=HOUR)

    assert purge.everything(tmp_path, HOUR + DAY, 90)[0].strange
    assert purge.purge(tmp_path, HOUR + 90 * DAY, 90) == [path]


def test_a_symbolic_link_goes_and_what_it_points_at_stays(tmp_path):
    outside = _file(tmp_path / "elsewhere", "precious")
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / NAME).symlink_to(outside)
    (folder / "loop").symlink_to(folder, target_is_directory=True)

    purge.purge(folder, HOUR + 4000 * DAY, 90)

    assert outside.exists()
    assert list(folder.iterdir()) == []


def test_a_shorter_time_is_kept_to_as_well(tmp_path):
    path = _file(tmp_path, NAME)

    assert purge.due(tmp_path, HOUR + timedelta(hours=22, minutes=59), 1) == []
    assert purge.due(tmp_path, HOUR + timedelta(hours=23), 1) == [path]


def test_only_what_is_due_goes_and_twice_does_no_harm(tmp_path):
    hours = [HOUR + timedelta(hours=number) for number in range(48)]
    for hour in hours:
        _file(tmp_path, hour.strftime("access-%Y-%m-%dT%H.log"), hour)
    now = HOUR + timedelta(days=90, hours=9)

    gone = purge.purge(tmp_path, now, 90)

    assert [path.name for path in gone] == [
        hour.strftime("access-%Y-%m-%dT%H.log") for hour in hours[:11]
    ]
    assert purge.purge(tmp_path, now, 90) == []
    assert len(list(tmp_path.iterdir())) == 37


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert purge.purge(tmp_path / "log", HOUR, 90) == []


def test_a_file_that_vanishes_meanwhile_is_nobodys_error(tmp_path, monkeypatch):
    path = _file(tmp_path, NAME)
    other = _file(tmp_path, f"{NAME}.gz")
    monkeypatch.setattr(purge, "due", lambda *_: [path, other])
    path.unlink()

    assert purge.purge(tmp_path, HOUR, 90) == [other]


def test_all_lines_before_the_stated_moment_are_gone(tmp_path):
    now = HOUR + timedelta(days=90, minutes=7)
    before = purge.before(now, 90)
    for number in range(-3, 4):
        hour = HOUR + timedelta(hours=number)
        _file(tmp_path, hour.strftime("access-%Y-%m-%dT%H.log"), hour)

    purge.purge(tmp_path, now, 90)

    kept_from = min(age.named_hour(path.name) for path in tmp_path.iterdir())
    assert kept_from > before - timedelta(hours=1)
    assert kept_from >= before.replace(minute=0)
