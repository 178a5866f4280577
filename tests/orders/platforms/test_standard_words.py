import pytest

from trustsvc.orders.platform_status import ParcelState, PlatformStatus
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


@pytest.mark.parametrize(
    "word",
    [
        *("returned", "return_to_sender", "lost", "undelivered", "exception", "expired"),
        *("failure", "failed", "damaged", "refused", "delivery_failed", "not_delivered"),
    ],
)
def test_bad_news_of_a_carrier_waits_as_a_type_and_as_a_status_of_a_parcel(word):
    as_type = standard_words.read(f"shipment.{word}", [])
    as_status = standard_words.read("shipment.updated", [word])

    assert as_type.delivery is as_status.delivery is ParcelState.FAILED
    assert (as_type.platform_status, as_status.platform_status) == (None, PlatformStatus.OPEN)


def test_a_word_of_a_carrier_that_is_unknown_changes_nothing():
    assert standard_words.read("shipment.updated", ["by_balloon"]) == standard_words.NOTHING
    assert standard_words.read("shipment.created", ["by_balloon"]).fulfilled is True


@pytest.mark.parametrize(
    ("state", "delivery"),
    [
        ("partially_shipped", ParcelState.IN_TRANSIT),
        ("restocked", ParcelState.FAILED),
        ("processing", None),
    ],
)
def test_what_left_in_part_or_came_back_tells_of_parcels(state, delivery):
    meaning = standard_words.read("order.updated", [state])

    assert (meaning.fulfilled, meaning.delivery) == (False, delivery)
