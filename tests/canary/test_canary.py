"""`make canary` with a few people, on every run of the tests."""

import pytest

from tests.canary import canary

PEOPLE = 16


@pytest.mark.walk
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_mark_lies_where_it_must_not_and_none_anywhere_after_the_erasure(database):
    found = canary.run(database, PEOPLE)

    assert canary.verdict(found) == []
    assert found[canary.BEFORE]["backup"]  # what may be there was found: the search does see
    assert found[canary.BEFORE]["public files"]
    assert found["after erasure"] == {}
