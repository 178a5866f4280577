from decimal import Decimal

import pytest

from trustsvc.orders.platforms import amounts


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("39.95", Decimal("39.95")),
        ("-5.00", Decimal("5.00")),
        (5, Decimal(5)),
        (5.5, Decimal("5.5")),
        (True, None),
        (None, None),
        ("", None),
        ("five", None),
        ("NaN", None),
        ("Infinity", None),
        ("1E+999999999999999999", None),
        ("9E+999999", None),
        ("1E-999999", None),
        ("1" * 33, None),
        ([], None),
    ],
)
def test_an_amount_is_read_without_its_sign(value, amount):
    assert amounts.amount({"total": value}, "total") == amount


@pytest.mark.parametrize(
    ("part", "whole", "is_all"),
    [
        ("39.95", "39.95", True),
        ("39.94", "39.95", True),
        ("5.00", "39.95", False),
        ("0", "39.95", False),
        ("0", "0", False),
        ("5.00", None, False),
    ],
)
def test_a_refund_is_full_to_the_cent(part, whole, is_all):
    assert amounts.is_all(Decimal(part), Decimal(whole) if whole else None) is is_all


def test_refunds_add_up():
    rows = [{"total": "-5.00"}, {"total": "-34.95"}, {"total": "x"}]

    assert amounts.total(rows, "total") == Decimal("39.95")
