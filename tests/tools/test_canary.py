"""`make canary` with a few people."""

from collections import Counter

import pytest

from tools.canary import canary, verdict

PEOPLE = 16


@pytest.mark.proof
@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_marker_lies_where_it_must_not_and_none_anywhere_after_the_erasure(database):
    found = canary.run(database, PEOPLE)

    assert verdict.verdict(found) == []
    assert found[verdict.BEFORE]["public files"]
    assert found[verdict.BEFORE]["backup"]  # what may be there was found, so the search works
    assert found[verdict.DAYS_LATER] == {}
    assert len(found[verdict.CONTROL]) >= len(verdict.ALLOWED[verdict.BEFORE])
    assert all(found[verdict.CONTROL].values())  # and it works in every place


def test_a_marker_where_none_may_be_and_a_place_that_was_not_searched_are_both_reported():
    found = {
        verdict.BEFORE: {
            "Redis": {("zqxqmail", "hex"): 1},
            "backup": {("zqxqshow", "plain"): 2},
            "public files": {},
        },
        verdict.ERASED: {"transactional mail in the maildir": {("zqxqmail", "plain"): 1}},
        verdict.DAYS_LATER: {"transactional mail in the maildir": {("zqxqmail", "plain"): 1}},
        verdict.CONTROL: {"Redis": {("zqxqmore", "plain"): 1}, "backup": {}},
    }
    found = {
        stage: {place: Counter(hits) for place, hits in one.items()} for stage, one in found.items()
    }

    assert verdict.verdict(found) == [
        (verdict.BEFORE, "Redis", "zqxqmail", "hex"),
        (verdict.DAYS_LATER, "transactional mail in the maildir", "zqxqmail", "plain"),
        (verdict.CONTROL, "backup", "zqxqmore", "not found"),
        (verdict.CONTROL, "public files", "zqxqmore", "not found"),
    ]
