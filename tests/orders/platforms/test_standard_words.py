import pytest

from trustsvc.orders.platforms import standard_words
from trustsvc.orders.standing import Standing


@pytest.mark.parametrize(
    ("kind", "state", "standing", "paid", "fulfilled"),
    [
        ("order.updated", "", None, None, None),
        ("order.shipped", "", Standing.OPEN, None, True),
        ("order.shipped", "partially-shipped", Standing.OPEN, None, False),
        ("order.updated", "Payment Failed".lower(), Standing.OPEN, False, None),
        ("order.paid", "cancelled", Standing.CANCELLED, True, None),
        ("order.updated", "our-own-word", Standing.OTHER_STATUS, None, None),
    ],
)
def test_the_state_counts_before_the_type(kind, state, standing, paid, fulfilled):
    meaning = standard_words.read(kind, state)

    assert (meaning.standing, meaning.paid, meaning.fulfilled) == (standing, paid, fulfilled)


def test_a_creation_is_only_a_creation_by_its_type():
    assert standard_words.read("order.created", "").is_creation
    assert not standard_words.read("order.updated", "created").is_creation


def test_news_of_a_parcel_or_a_partial_refund_brings_no_order_back():
    for kind in ("shipment.created", "shipment.delivered", "order.partially_refunded"):
        assert standard_words.read(kind, "").standing is None
