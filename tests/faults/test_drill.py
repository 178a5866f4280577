"""A form of `make drill` that is shorter than SHORT=1, on every run of the tests."""

import pytest

from tools.drill import drill, verdict

SEED = 2
SIZE = {"orders": 600, "kills": 26, "flushes": 4, "span": 40, "slow": 2}


@pytest.mark.walk
@pytest.mark.slow
@pytest.mark.timeout(SIZE["span"] + drill.PATIENCE_S + 120)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_nothing_comes_twice_and_nobody_is_asked_against_their_will(database):
    record = verdict.judged(drill.run(database, SIZE, SEED))

    print(verdict.table({database: record}, SEED))
    assert record["broken"] == []
    assert record["kills"] >= 0.9 * SIZE["kills"]
