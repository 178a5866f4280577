import pytest

from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.orders.platforms import standard_words


@pytest.mark.parametrize(
    ("kind", "state", "platform_status", "paid", "fulfilled"),
    [
        ("order.updated", "", None, None, None),
        ("order.shipped", "", PlatformStatus.OPEN, None, True),
        ("order.shipped", "partially-shipped", PlatformStatus.OPEN, None, False),
        ("order.updated", "Payment Failed".lower(), PlatformStatus.OPEN, False, None),
        ("order.paid", "cancelled", PlatformStatus.CANCELLED, True, None),
        ("order.updated", "our-own-word", PlatformStatus.OTHER_STATUS, None, None),
    ],
)
def test_the_state_counts_before_the_type(kind, state, platform_status, paid, fulfilled):
    meaning = standard_words.read(kind, [state])

    assert (meaning.platform_status, meaning.paid, meaning.fulfilled) == (
        platform_status,
        paid,
        fulfilled,
    )


def test_a_creation_is_only_a_creation_by_its_type():
    assert standard_words.read("order.created", []).is_creation
    assert not standard_words.read("order.updated", ["created"]).is_creation


def test_news_of_a_parcel_or_a_partial_refund_brings_no_order_back():
    for kind in ("shipment.created", "shipment.delivered", "order.partially_refunded"):
        assert standard_words.read(kind, []).platform_status is None
