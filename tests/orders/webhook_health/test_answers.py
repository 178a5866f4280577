from typing import get_args

import pytest

from trustsvc import errors
from trustsvc.orders.received import IgnoreReason
from trustsvc.orders.webhook_health import answers


def test_every_reason_to_ignore_a_delivery_is_counted_by_itself():
    counted = {answers.of_success("ignored", reason) for reason in get_args(IgnoreReason)}

    assert len(counted) == len(get_args(IgnoreReason))
    assert counted < set(answers.ANSWERS)


def test_any_status_is_one_of_a_fixed_set_of_codes():
    found = {status: answers.of_status(status) for status in (*range(300, 600), 0, 999)}

    assert {status: code for status, code in found.items() if code not in answers.ANSWERS} == {}


def test_what_has_no_code_of_its_own_is_counted_as_other():
    assert answers.of_success("ignored", "anything else") == answers.OTHER
    assert answers.of_status(418) == answers.OTHER


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Refused, "refused"),
        (errors.Unauthorised, "bad_signature"),
        (errors.WebhookDeliveryConflict, "conflict"),
        (errors.TooLarge, "too_large"),
        (errors.Unavailable, "unavailable"),
    ],
)
def test_each_error_answer_of_the_webhook_has_a_code(error, code):
    assert answers.of_status(error.status) == code
