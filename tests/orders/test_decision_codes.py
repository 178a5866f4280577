"""The decision log's codes have a text in each language, and no text is without its code."""

from typing import get_args

import pytest

from trustsvc import i18n
from trustsvc.invitations.models import MESSAGE_KINDS
from trustsvc.mail.feedback.parsers.report import ReportKind
from trustsvc.mail.message import SendStatus
from trustsvc.orders.decision_codes import DecisionStep, Outcome


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize(
    ("codes", "prefix"), [(DecisionStep, "desk.step."), (Outcome, "desk.outcome.")]
)
def test_each_code_has_a_text(codes, prefix, language):
    worded = {key for key in i18n.catalogue(language) if key.startswith(prefix)}

    assert worded == {prefix + code for code in codes}


def test_what_other_packages_hand_over_is_a_code():
    handed_over = {status.value for status in SendStatus if status is not SendStatus.UNTRIED} | set(
        get_args(ReportKind)
    )
    steps = {f"{act}_{kind}" for act in ("send", "report") for kind in MESSAGE_KINDS}

    assert handed_over <= set(Outcome)
    assert steps <= set(DecisionStep)
