import pytest

from tests.orders.platforms.test_parse import at, parse
from trustsvc.orders.platform_status import ParcelState, PlatformStatus


@pytest.mark.parametrize(
    ("changes", "returns"),
    [
        ({"return_status": "in_progress"}, PlatformStatus.RETURN_OPEN),
        ({"return_status": "INSPECTION_COMPLETE"}, PlatformStatus.RETURN_OPEN),
        ({"return_status": "RETURN_REQUESTED", "returns": []}, PlatformStatus.RETURN_OPEN),
        ({"return_status": "RETURNED"}, PlatformStatus.RETURNED),
        ({"return_status": "RETURNED", "returns": []}, PlatformStatus.RETURNED),
        ({"return_status": "NO_RETURN"}, PlatformStatus.OPEN),
        ({"returns": [{"status": "INSPECTION_COMPLETE"}]}, PlatformStatus.RETURN_OPEN),
        ({"returns": [{"status": "CLOSED"}]}, PlatformStatus.RETURNED),
        ({"returns": [{"status": "DECLINED"}]}, PlatformStatus.OPEN),
        ({"returns": []}, PlatformStatus.OPEN),
        ({"return_status": None, "returns": ...}, None),
    ],
)
def test_a_return_counts_by_the_list_and_by_the_status(changes, returns):
    assert parse("shopify", "orders/updated", **changes).returns is returns


@pytest.mark.parametrize(
    ("status", "parcels", "delivery"),
    [
        ("restocked", [], ParcelState.FAILED),
        (None, [{"created_at": "2026-11-18", "status": "failure"}], ParcelState.IN_TRANSIT),
        (None, [{"created_at": "2026-11-18", "status": "cancelled"}], ParcelState.IN_TRANSIT),
        ("partial", [{"id": 1, "created_at": "2026-11-18"}], ParcelState.IN_TRANSIT),
        (None, [], None),
    ],
)
def test_what_was_restocked_or_partly_sent_tells_of_parcels(status, parcels, delivery):
    order = parse("shopify", "orders/updated", fulfillment_status=status, fulfillments=parcels)

    assert (order.fulfilled, order.delivery) == (False, delivery)


def test_a_part_that_left_is_no_newer_than_the_carriers_news_of_it():
    parcels = [{"id": 1, "created_at": "2026-11-18"}]
    order = parse("shopify", fulfillment_status="partial", fulfillments=parcels)

    assert order.delivery_at == at("2026-11-18")


@pytest.mark.parametrize(
    ("tags", "is_renewal"),
    [
        ("Recurring Order", True),
        ("vip, appstle_subscription_recurring_order", True),
        ("Subscription Recurring Order", True),
        ("subscription-renewal", True),
        ("appstle_subscription_first_order", False),
        ("Subscription First Order", False),
    ],
)
def test_the_tags_of_subscription_apps_tell_a_renewal(tags, is_renewal):
    assert ("renewal" in parse("shopify", tags=tags).traits) is is_renewal


def test_who_gets_the_parcel_is_not_greeted():
    nobody = {"first_name": None, "last_name": None}
    gift = {"first_name": "Piet", "last_name": "Ontvanger"}

    assert parse("shopify", customer=nobody, billing_address={}, shipping_address=gift).name == ""


def test_an_address_that_was_emptied_is_not_taken_from_the_customer():
    emptied = parse("shopify", email="", contact_email=None)
    left_out = parse("shopify", email=..., contact_email=..., customer=...)

    assert (emptied.email, emptied.is_whole) == ("", True)
    assert (left_out.email, left_out.is_whole) == ("", False)
