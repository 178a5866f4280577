"""A jump of the machine's clock is found, and what it means is a table."""

from datetime import UTC, datetime, timedelta

import pytest

from trustsvc import clock, clock_check
from trustsvc.clock import Reading
from trustsvc.clock_check import AHEAD, BEHIND, GAP
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEAR = 365 * DAY
START = datetime(2026, 6, 10, 10, tzinfo=UTC)


def reading(true, jump=0 * DAY, boot="one", since=0 * DAY):
    """What is read when `true` has gone by since the start, and the wall is off by `jump`."""
    return Reading(START + true + jump, boot, true - since + HOUR)


def walk(*readings, newest=None):
    line = None
    for one in readings:
        line = clock_check.next_state(line, one, newest)
    return line


@pytest.mark.parametrize(
    ("jump", "expected"),
    [
        (-HOUR, BEHIND),
        (-DAY, BEHIND),
        (DAY, AHEAD),
        (10 * YEAR, AHEAD),
        (6 * MINUTE, AHEAD),
        (-6 * MINUTE, BEHIND),
        (4 * MINUTE, None),
        (-4 * MINUTE, None),
    ],
)
def test_a_jump_is_found_at_the_next_look_and_a_return_ends_it(jump, expected):
    line = walk(reading(0 * HOUR), reading(10 * MINUTE, jump))
    assert line.problem == expected

    assert walk(reading(0 * HOUR), reading(HOUR, jump), reading(2 * HOUR)).problem is None


def test_a_clock_that_drifts_slowly_and_one_that_slept_with_its_machine_are_not_distrusted():
    assert (
        walk(*(reading(n * MINUTE, n * timedelta(seconds=2)) for n in range(500))).problem is None
    )
    assert walk(reading(0 * HOUR), reading(9 * DAY)).problem is None  # the count went on meanwhile


@pytest.mark.parametrize("jump", [DAY, 10 * YEAR])
def test_a_clock_set_forward_is_never_right_by_time_alone(jump):
    assert (
        walk(reading(0 * HOUR), *(reading(n * HOUR, jump) for n in range(1, 99))).problem == AHEAD
    )


def test_a_clock_set_back_is_right_after_a_day_of_even_running():
    for hours, expected in ((24, BEHIND), (26, None)):
        later = (reading(n * HOUR, -HOUR) for n in range(1, hours + 1))
        assert walk(reading(0 * HOUR), *later).problem == expected
    line = walk(reading(0 * HOUR), *(reading(n * HOUR, -HOUR) for n in range(1, 27)))
    assert clock_check.next_state(line, reading(27 * HOUR, 0 * HOUR), None).problem == AHEAD


def test_uneven_running_proves_nothing():
    waltz = (reading(n * HOUR, -HOUR * (1 + n % 3)) for n in range(1, 99))

    assert walk(reading(0 * HOUR), *waltz).problem == BEHIND


@pytest.mark.parametrize(
    ("away", "newest", "expected"),
    [
        (25 * HOUR, None, None),
        (30 * DAY, None, GAP),
        (30 * DAY, START + 30 * DAY, None),  # rows were written meanwhile
        (30 * DAY, START, GAP),
        (10 * YEAR, None, AHEAD),
        (-HOUR, None, BEHIND),
    ],
)
def test_after_a_restart_of_the_machine_the_gap_decides(away, newest, expected):
    again = reading(away, boot="two", since=away)

    assert walk(reading(0 * HOUR), again, newest=newest).problem == expected


def test_a_gap_is_proven_right_by_a_day_of_running_and_no_sooner():
    away = 30 * DAY
    for hours, expected in ((20, GAP), (26, None)):
        later = [reading(away + n * HOUR, boot="two", since=away) for n in range(hours)]
        assert walk(reading(0 * HOUR), *later, newest=START).problem == expected


def test_a_restart_of_the_machine_ends_no_distrust_and_setting_it_back_does():
    jumped = [reading(0 * HOUR), reading(HOUR, DAY)]
    still = reading(2 * HOUR, DAY, boot="two", since=2 * HOUR)
    back = reading(2 * HOUR, boot="two", since=2 * HOUR)

    assert walk(*jumped, still).problem == AHEAD
    assert walk(*jumped, back).problem is None


def test_what_is_noted_is_read_again_and_an_operator_s_word_ends_the_distrust(installation):
    with db.transaction() as session:
        assert clock_check.record(session, reading(0 * HOUR), None) == (None, None)
        assert clock_check.problem(session, reading(MINUTE)) is None
        assert (
            clock_check.problem(session, reading(MINUTE, DAY)) == AHEAD
        )  # before anybody noted it
        assert clock_check.record(session, reading(MINUTE, DAY), None) == (None, AHEAD)
        assert clock_check.record(session, reading(HOUR, DAY), None) == (AHEAD, AHEAD)
        clock_check.trust(session, reading(HOUR, DAY))
        assert clock_check.problem(session, reading(2 * HOUR, DAY)) is None


def test_a_moment_that_somebody_chose_is_no_jump(installation):
    with db.transaction() as session:
        clock_check.record(session, clock.read(), None)
        with clock.at(clock.now() + 10 * YEAR):
            assert clock_check.problem(session, clock.read()) is None


def test_the_machine_s_own_count_goes_on_beside_the_wall():
    first, second = clock.read(), clock.read()

    assert first.boot == second.boot
    assert timedelta(0) <= second.uptime - first.uptime < MINUTE
    assert not first.is_chosen
