"""Order histories from the field, each made from a public report: ../shared/cases.

They are read where the folder lies, beside the checkout or named by CASES_DIR, and never copied.
Each stands for a kind; tests/cases/own has others of the same kinds.
"""

import pytest

from tests.cases import history, played

FOLDER = history.shared_folder()
CASES = history.cases_in(FOLDER) if FOLDER else []
# What does not hold yet. Strict: a case that holds must leave this set.
PENDING = {
    "01-left-completed-on-hold",
    "01-left-completed-pending",
    "01-left-completed-processing",
    "02-left-completed-custom-chargeback",
    "02-left-completed-custom-returned",
    "03-unpaid-custom-payment-failed",
    "03-unpaid-custom-quote-requested",
    "04-authorized-only-shopify",
    "04-awaiting-shipment-lightspeed",
    "04-never-shipped-shopify",
    "04-on-hold-lightspeed",
    "04-payment-cancelled-lightspeed",
    "04-processing-woocommerce",
    "05-recompleted-later-woocommerce",
    "05-refulfilled-later-shopify",
    "05-unfulfilled-again-shopify",
    "06-erased-in-the-shop-woocommerce",
    "06-erased-order-is-new-woocommerce",
    "07-address-mended-shopify",
    "07-address-mended-standard",
    "07-address-mended-woocommerce",
    "08-relay-amazon-business",
    "08-relay-amazon-de",
    "09-nobody-invalid",
    "09-nobody-pos-local",
    "10-greeting-dash",
    "10-greeting-dot",
    "10-greeting-null",
    "10-greeting-phone",
    "10-greeting-undefined",
    "11-entities-amp",
    "11-entities-apos",
    "11-entities-eacute",
    "12-consent-no-woocommerce",
    "12-consent-taken-back-standard",
    "12-may-ask-false-standard",
    "13-old-order-completed-today",
    "13-old-order-date-dmy",
    "13-old-order-date-php",
    "13-old-order-date-rfc2822",
    "13-old-order-date-unix-text",
    "14-state-payment_failed-standard",
    "14-state-returned-standard",
    "14-state-voided-standard",
    "14-voided-shopify",
    "15-not-delivered-shopify",
    "16-open-return-shopify",
    "17-partial-refund-shopify",
    "17-zero-refund-shopify",
    "26-cancelled-then-completed-woocommerce",
    "27-language-by-country-woocommerce",
}

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.skipif(not CASES, reason="No ../shared/cases, and CASES_DIR names no folder"),
]


def _param(case):
    pending = pytest.mark.xfail(reason="does not hold yet", strict=True)
    return pytest.param(case, id=case.name, marks=[pending] if case.name in PENDING else [])


@pytest.mark.parametrize("case", [_param(case) for case in CASES])
def test_what_must_be_true_after_eight_days_is(outcomes, case):
    assert played.faults(case, outcomes(FOLDER)[case.name]) == []
