"""The decision log's codes have a text in each language, and no text is without its code."""

import pytest

from trustsvc import i18n
from trustsvc.orders.decision_codes import Outcome, Step


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("codes", [Step, Outcome])
def test_each_code_has_a_text(codes, language):
    prefix = f"desk.{codes.__name__.lower()}."
    worded = {key for key in i18n.catalogue(language) if key.startswith(prefix)}

    assert worded == {prefix + code for code in codes}
