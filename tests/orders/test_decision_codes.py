"""The decision log's codes have a text in each language, and no text is without its code."""

import pytest

from trustsvc import i18n
from trustsvc.orders.decision_codes import DecisionStep, Outcome


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize(
    ("codes", "prefix"), [(DecisionStep, "desk.step."), (Outcome, "desk.outcome.")]
)
def test_each_code_has_a_text(codes, prefix, language):
    worded = {key for key in i18n.catalogue(language) if key.startswith(prefix)}

    assert worded == {prefix + code for code in codes}
