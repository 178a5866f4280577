import json

import pytest

from tests.orders.platforms.test_parse import NOW, at, parse
from trustsvc.orders.platform_status import ParcelState

BEFORE = {"date_completed_gmt": ..., "date_completed": ..., "completed_at": ...}
ITEM = {"tracking_number": "3S", "date_shipped": "2026-11-18"}
PHP = (
    'a:1:{i:0;a:2:{s:15:"tracking_number";s:2:"3S";s:12:"date_shipped";s:10:"2026-11-18";}}',
    'a:1:{i:0;a:2:{s:12:"date_shipped";s:10:"2026-11-18";s:15:"tracking_number";s:2:"3S";}}',
)


def noted(key, value, status="processing"):
    rows = [{"key": key, "value": value}]
    return parse("woocommerce", status=status, meta_data=rows, **BEFORE)


@pytest.mark.parametrize(
    "value",
    [
        *([], "[]", "{}", "a:0:{}", "N;", "a:1:{i:0;a:0:{}}", "[{", "", None, False),
        *([{}], [{"tracking_number": "", "date_shipped": ""}], "none", "null", "-"),
        *('[{"tracking_number": ""}]', {"0": {"tracking_number": ""}}),
    ],
)
@pytest.mark.parametrize("key", ["_wc_shipment_tracking_items", "_tracking_number"])
def test_an_empty_note_is_no_shipment(key, value):
    assert noted(key, value).fulfilled is False


@pytest.mark.parametrize("value", [[ITEM], {"1": ITEM}, json.dumps([ITEM]), *PHP])
def test_a_parcel_is_read_in_every_shape(value):
    order = noted("_wc_shipment_tracking_items", value)

    assert (order.fulfilled, order.shipped_at) == (True, at("2026-11-18"))


def test_a_number_alone_is_a_parcel():
    assert noted("_tracking_number", "3SPOST1234").fulfilled is True
    assert noted("_ast_tracking_items", [{"tracking_number": 31}]).fulfilled is True


@pytest.mark.parametrize(
    ("status", "value", "fulfilled", "delivery"),
    [
        ("completed", "partially_fulfilled", False, ParcelState.IN_TRANSIT),
        ("completed", "fulfilled", True, None),
        ("completed", "unfulfilled", True, None),
        ("processing", "partially_fulfilled", False, ParcelState.IN_TRANSIT),
        ("processing", "unfulfilled", False, None),
        ("partial-shipped", "", False, ParcelState.IN_TRANSIT),
    ],
)
def test_a_part_that_was_sent_waits_whatever_the_status_says(status, value, fulfilled, delivery):
    order = noted("_fulfillment_status", value, status)

    assert (order.fulfilled, order.delivery) == (fulfilled, delivery)


@pytest.mark.parametrize("key", ["ts_shipment_status", "shipment_status"])
@pytest.mark.parametrize(
    ("value", "delivery"),
    [
        ([{"status": "failure"}], ParcelState.FAILED),
        ([{"status": "delivered"}, {"status": "return_to_sender"}], ParcelState.FAILED),
        ({"1": {"status": "available_for_pickup"}}, ParcelState.READY_FOR_PICKUP),
        ("return_to_sender", ParcelState.FAILED),
        ([{"status": "delivered"}], ParcelState.DELIVERED),
        ([{"status": "pending_trackship"}], None),
        ([], None),
    ],
)
def test_what_trackship_asked_the_carrier_counts(key, value, delivery):
    order = noted(key, value, "completed")

    assert order.delivery is delivery
    assert delivery is None or order.delivery_at <= NOW
