import pytest

from tests.orders.platforms.test_parse import parse
from trustsvc.orders.platform_status import ParcelState, PlatformStatus


@pytest.mark.parametrize("status", ["completed", "completed_shipped"])
@pytest.mark.parametrize(
    "shipment",
    ["delivery_failed", "lost", "not_delivered", "return_to_sender", "refused", "failed"],
)
def test_a_parcel_that_did_not_arrive_waits_whatever_the_status_says(status, shipment):
    order = parse("lightspeed", order__status=status, order__shipmentStatus=shipment)

    assert order.delivery is ParcelState.FAILED
    assert order.delivery_at >= order.shipped_at


@pytest.mark.parametrize(
    ("status", "shipment", "fulfilled", "delivery", "platform_status"),
    [
        ("completed", "shipped", True, ParcelState.IN_TRANSIT, PlatformStatus.OPEN),
        ("completed", "", True, None, PlatformStatus.OPEN),
        ("completed", "not_shipped", False, None, PlatformStatus.OPEN),
        ("completed_picked_up", "not_shipped", True, ParcelState.DELIVERED, PlatformStatus.OPEN),
        ("completed_shipped", "partial", False, ParcelState.IN_TRANSIT, PlatformStatus.OPEN),
        ("completed_shipped", "on_hold", True, None, PlatformStatus.ON_HOLD),
        ("completed_shipped", "scheduled", True, ParcelState.SCHEDULED, PlatformStatus.OPEN),
        (
            "completed",
            "ready_for_pickup",
            True,
            ParcelState.READY_FOR_PICKUP,
            PlatformStatus.OPEN,
        ),
        ("completed", "returned", True, None, PlatformStatus.RETURNED),
    ],
)
def test_the_shipment_counts_beside_the_status(
    status, shipment, fulfilled, delivery, platform_status
):
    order = parse("lightspeed", order__status=status, order__shipmentStatus=shipment)

    assert (order.fulfilled, order.delivery) == (fulfilled, delivery)
    assert order.platform_status is platform_status


@pytest.mark.parametrize("language", ["de", {"code": "de"}, {"title": "Deutsch"}])
def test_the_language_is_an_object_or_a_text(language):
    assert parse("lightspeed", order__language=language).locale == "de"


def test_an_address_that_was_emptied_is_not_taken_from_the_customer():
    known = {"resource": {"embedded": {"email": "anna@mail.example"}}}
    emptied = parse("lightspeed", order__email="", order__customer=known)
    left_out = parse("lightspeed", order__email=..., order__customer=...)

    assert (emptied.email, emptied.is_whole) == ("", True)
    assert (left_out.email, left_out.is_whole) == ("", False)
