"""Which way the clock is off: what is said, and whether a third clock decides it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustsvc import clock, clock_check
from trustsvc.doctor.machine_clock import ClockEvidence, OtherClock, duration, judge, machine_clock
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat

HOUR, NONE = timedelta(hours=1), timedelta(0)
NTP = OtherClock("NTP", NONE)


def evidence(problem=None, shift=None, beat=NONE, rows=NONE, others=()):
    return ClockEvidence(problem, shift, beat, rows, others)


def only(what):
    (found,) = judge(what)
    return found


def test_a_clock_that_agrees():
    assert only(evidence()).level == "OK"
    assert only(evidence(others=[NTP, OtherClock("Redis", timedelta(seconds=-90))])).level == "OK"


def test_a_late_heartbeat_alone_says_neither_that_this_clock_is_behind_nor_that_it_is_right():
    found = only(evidence(beat=HOUR))

    assert found.level == "FAIL"
    assert found.detail == (
        "the last heartbeat is 1 h 0 min later: that clock was ahead, or this one is behind"
    )


def test_with_a_third_clock_the_scheduler_s_is_the_one_that_is_ahead():
    found = only(evidence(beat=HOUR, others=[OtherClock("the database server", NONE)]))

    assert "came from a clock 1 h 0 min ahead" in found.detail
    assert "this one agrees with the database server" in found.detail
    assert "where trustsvc scheduler runs" in found.remedy


def test_with_a_third_clock_this_one_is_the_one_that_is_behind():
    findings = judge(evidence(beat=HOUR, others=[OtherClock("the database server", -HOUR)]))

    assert findings[0].detail == "it is 1 h 0 min behind the clock of the database server"
    assert "this one is behind" in findings[1].detail


def test_a_clock_ahead_of_another_is_reported_by_how_much():
    found = only(evidence(others=[OtherClock("Redis", 2 * HOUR)]))

    assert found.detail == "it is 2 h 0 min ahead of the clock of Redis"


@pytest.mark.parametrize(
    ("problem", "shift", "words"),
    [
        (clock_check.AHEAD, 2 * HOUR, "forward by 2 h 0 min"),
        (clock_check.BEHIND, -2 * HOUR, "back by 2 h 0 min"),
        (clock_check.BEHIND, None, "set back: "),
    ],
)
def test_a_clock_that_was_set_is_reported_which_way_and_how_far(problem, shift, words):
    assert words in only(evidence(problem, shift)).detail


def test_a_clock_that_was_set_right_after_it_ran_ahead_is_to_be_trusted():
    found = only(evidence(clock_check.BEHIND, -HOUR, beat=HOUR, others=[NTP]))

    assert "this one agrees with NTP" in found.detail
    assert found.remedy == "trustsvc clock trust"


def test_rows_of_the_future_are_no_proof_that_this_clock_is_behind():
    found = only(evidence(rows=HOUR))

    assert found.level == "WARN"
    assert "while the clock was ahead" in found.remedy


@given(st.timedeltas(-timedelta(days=9), timedelta(days=9)))
def test_it_is_ahead_of_another_clock_or_behind_it_never_both(ahead):
    details = [one.detail for one in judge(evidence(others=[OtherClock("Redis", ahead)]))]

    assert any("ahead of" in one for one in details) == (ahead > timedelta(minutes=2))
    assert any("behind" in one for one in details) == (ahead < -timedelta(minutes=2))


def test_a_span_has_a_length_whatever_its_sign():
    assert duration(-timedelta(seconds=61)) == duration(timedelta(seconds=61)) == "61 s"


def test_the_clock_of_this_installation_agrees(installation):
    with db.transaction() as session:
        heartbeat.beat(session, "scheduler", clock.now())
    with db.reading() as session:
        assert [one.level for one in machine_clock(session, clock.now())] == ["OK"]
