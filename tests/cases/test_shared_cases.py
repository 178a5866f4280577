"""Order histories from the field, each made from a public report: ../shared/cases.

They are read where the folder lies, beside the checkout or named by CASES_DIR, and never copied.
Each stands for a kind; tests/cases/own has others of the same kinds.
"""

import pytest

from tests.cases import history, played

FOLDER = history.shared_folder()
CASES = history.cases_in(FOLDER) if FOLDER else []

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.skipif(not CASES, reason="No ../shared/cases, and CASES_DIR names no folder"),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_what_must_be_true_after_eight_days_is(outcomes, case):
    faults = played.faults(case, outcomes(FOLDER)[case.name])

    assert faults == [], "; ".join(faults)
