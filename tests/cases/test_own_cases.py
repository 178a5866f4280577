"""Order histories of our own, of the same kinds as ../shared/cases, on each platform.

What must be true follows issue 10; where that is silent, what a buyer and a shop would expect.
"""

import os
from pathlib import Path

import pytest

from tests.cases import history, played

FOLDER = Path(__file__).parent / "own"
CASES = history.cases_in(FOLDER)
# What does not hold yet. Strict: a case that holds must leave this set.
PENDING: set[str] = set()

# `make cases` plays them on PostgreSQL, too; `make test` plays ../shared/cases on both.
pytestmark = [pytest.mark.proof, pytest.mark.slow]
if os.environ.get("CASES_ON_BOTH"):
    pytestmark.append(pytest.mark.both_databases)


def _param(case):
    pending = pytest.mark.xfail(reason="does not hold yet", strict=True)
    return pytest.param(case, id=case.name, marks=[pending] if case.name in PENDING else [])


@pytest.mark.parametrize("case", [_param(case) for case in CASES])
def test_what_must_be_true_after_eight_days_is(outcomes, case):
    faults = played.faults(case, outcomes(FOLDER)[case.name])

    assert faults == [], "; ".join(faults)
