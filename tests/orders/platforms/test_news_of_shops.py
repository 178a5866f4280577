"""What shops' bodies say that is easily taken for something else.

Also tests:
trustsvc/orders/platforms/possible_refusals.py
trustsvc/orders/platforms/refusal.py
trustsvc/orders/platforms/woocommerce_meta.py
trustsvc/orders/platforms/woocommerce_tracking.py
"""

import json

import pytest

from tests.orders.platforms.test_parse import NOW, at, parse
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.platforms import PLATFORMS, refusal

LINK = {"resource": {"id": 5, "url": "x", "link": "y"}}
BACK = {"resource": {"embedded": [{"quantityOrdered": 1, "quantityReturned": 1}]}}
TRIGGERED = {"x-shopify-triggered-at": "2026-11-19T10:00:00Z"}
BEFORE = {"date_completed_gmt": ..., "date_completed": ..., "completed_at": ...}


def meta(**values):
    return [{"key": key, "value": value} for key, value in values.items()]


def shopify_news(topic, body, headers=None):
    said = {"x-shopify-topic": topic} | (headers or {})
    return PLATFORMS["shopify"].parse(said, json.dumps(body).encode(), NOW)


def test_a_body_of_lightspeed_that_only_links_says_nothing_of_returns():
    assert parse("lightspeed", order__products=LINK, order__invoices=LINK).returns is None
    assert parse("lightspeed", order__products=BACK, order__invoices=LINK).returns == "returned"
    assert parse("lightspeed").returns is PlatformStatus.OPEN


@pytest.mark.parametrize(
    ("status", "shipment", "payment", "platform_status"),
    [
        ("returned", "shipped", "paid", PlatformStatus.RETURNED),
        ("completed_shipped", "returned", "paid", PlatformStatus.RETURNED),
        ("chargeback", "shipped", "paid", PlatformStatus.CHARGEBACK),
        ("completed_shipped", "shipped", "chargeback", PlatformStatus.CHARGEBACK),
        ("dispute", "shipped", "paid", PlatformStatus.DISPUTED),
        ("with_the_neighbours", "shipped", "paid", PlatformStatus.OTHER_STATUS),
        ("completed_shipped", "shipped", "cancelled", PlatformStatus.OPEN),
        ("completed_by_hand", "shipped", "paid", PlatformStatus.OPEN),
        ("on_hold", "shipped", "paid", PlatformStatus.ON_HOLD),
    ],
)
def test_the_words_of_lightspeed(status, shipment, payment, platform_status):
    order = parse(
        "lightspeed",
        order__status=status,
        order__shipmentStatus=shipment,
        order__paymentStatus=payment,
    )

    assert order.platform_status is platform_status


@pytest.mark.parametrize(
    "said",
    [
        "nee",
        "Nein",
        "non",
        "declined",
        "denied",
        "refused",
        "Opt out",
        "n",
        "No, thanks",
        "nee dank je",
        0.0,
        "geen",
    ],
)
def test_the_words_of_a_no_count_on_every_platform(said):
    noted = meta(trustsvc_consent=said)
    named = [{"name": row["key"], "value": row["value"]} for row in noted]

    assert parse("woocommerce", meta_data=noted).consent is False
    assert parse("shopify", note_attributes=named).consent is False
    assert parse("standard", data__consent=said).consent is False
    assert refusal.answer({"x": said}, "x") is False


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("woocommerce", {"meta_data": meta(trustsvc_tags="vip, Do-Not-Ask")}),
        ("woocommerce", {"tags": ["do-not-ask"]}),
        ("woocommerce", {"meta_data": meta(trustsvc_consent="no") + meta(trustsvc_consent="yes")}),
        ("lightspeed", {"order__tags": ["vip", "do-not-ask"]}),
        ("lightspeed", {"order__tags": "vip", "order__memo": "do_not_ask"}),
        ("lightspeed", {"order__memo": "call first\ndo-not-ask"}),
        ("lightspeed", {"order__memo": "call first, do-not-ask."}),
        ("lightspeed", {"order__memo": "Belde<br>do-not-ask"}),
        ("woocommerce", {"tags": [{"slug": "do-not-ask"}]}),
        ("woocommerce", {"meta_data": meta(_trustsvc_consent="no")}),
        ("woocommerce", {"meta_data": [{"key": "_wc_other/trustsvc/consent", "value": "0"}]}),
        ("woocommerce", {"meta_data": {"trustsvc_consent": "no"}}),
        ("shopify", {"note_attributes": [{"key": "trustsvc_consent", "value": "no"}]}),
        ("shopify", {"note_attributes": {"trustsvc_consent": "no"}}),
        ("shopify", {"tags": "vip, do\u2011not\u2011ask"}),
        ("standard", {"data__tags": "vip do-not-ask"}),
        ("standard", {"data__consent": {"given": False}}),
        ("standard", {"data__attributes": [{"name": "do-not-ask", "value": True}]}),
        (
            "shopify",
            {
                "note_attributes": [
                    {"name": "trustsvc_consent", "value": "no"},
                    {"name": "trustsvc_consent", "value": "yes"},
                ]
            },
        ),
    ],
)
def test_a_no_counts_beside_a_yes_and_in_each_place(name, changes):
    assert parse(name, **changes).consent is False


def test_a_no_counts_after_any_number_of_other_tags_and_notes():
    tags, lines = [f"tag {number}" for number in range(2000)], "x\n" * 30_000
    rows = [{"name": f"note {number}", "value": "yes"} for number in range(2000)]
    keys = {f"key {number}": "yes" for number in range(2000)}
    for name, changes in (
        ("standard", {"data__tags": [*tags, "do-not-ask"]}),
        ("standard", {"data__attributes": [*rows, {"name": "do-not-ask", "value": True}]}),
        ("shopify", {"tags": ", ".join([*tags, "Do_Not_Ask", "vip"])}),
        ("shopify", {"customer__tags": [*tags, "do\u2011not\u2011ask"]}),
        ("shopify", {"note_attributes": [*rows, {"name": "trustsvc_consent", "value": "no"}]}),
        ("shopify", {"note_attributes": keys | {"trustsvc_consent": "no"}}),
        ("lightspeed", {"order__memo": f"{lines}do-not-ask"}),
        ("lightspeed", {"order__memo": f"{'x' * 30_000}<br>do-not-ask. {lines}"}),
        ("woocommerce", {"tags": [{"slug": one} for one in [*tags, "do-not-ask"]]}),
        ("woocommerce", {"meta_data": [*rows, {"key": "trustsvc_tags", "value": "do-not-ask"}]}),
    ):
        assert parse(name, **changes).consent is False, changes.keys()
    memo = f"{lines}please do not ask the neighbours"
    assert parse("lightspeed", order__memo=memo).consent is not False


@pytest.mark.parametrize("memo", ["please do not ask the neighbours", "do-not-ask-twice"])
def test_other_words_of_a_memo_are_no_refusal(memo):
    assert parse("lightspeed", order__memo=memo).consent is not False


@pytest.mark.parametrize("given", ["yes", "ja", "oui", "granted", True])
def test_the_words_of_a_yes_count_on_every_platform(given):
    noted = meta(trustsvc_consent=given)

    assert parse("woocommerce", meta_data=noted).consent is True
    assert parse("shopify", note_attributes=noted).consent is True
    assert parse("standard", data__consent=given).consent is True


@pytest.mark.parametrize(
    "said",
    [
        {"date": "2026-11-19 10:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"$date": "2026-11-19T10:00:00Z"},
        [2026, 11, 19, 10, 0, 0],
        1795082400.5,
        True,
        "gisteren",
    ],
)
def test_a_date_of_an_end_counts_in_whatever_shape_it_is(said):
    assert parse("standard", data__cancelled_at=said).platform_status == "cancelled"
    assert parse("standard", data__refunded_at=said).platform_status == "refunded"
    assert parse("shopify", cancelled_at=said).platform_status == "cancelled"


@pytest.mark.parametrize(
    "said", ["0001-01-01T00:00:00", "0000-00-00 00:00:00", "null", 0, "0", False, None, {}]
)
def test_no_date_of_an_end_ends_nothing(said):
    assert parse("standard", data__cancelled_at=said).platform_status == "open"
    assert parse("standard", data__refunded_at=said).platform_status == "open"
    assert parse("shopify", cancelled_at=said).platform_status == "open"


@pytest.mark.parametrize(
    ("name", "no", "other"),
    [("trustsvc_consent", "no", "yes"), ("trustsvc_tags", "do-not-ask", "vip")],
)
def test_a_no_among_very_many_notes_of_its_name_counts(name, no, other):
    rows = [{"key": name, "value": no if number == 100 else other} for number in range(200)]

    assert parse("woocommerce", meta_data=rows).consent is False


def test_a_do_not_ask_that_says_no_is_none():
    assert parse("woocommerce", meta_data=[{"key": "do-not-ask", "value": "no"}]).consent is None


def items(*quantities):
    return [
        {"id": number, "quantity": count, "current_quantity": left}
        for number, (count, left) in enumerate(quantities, 1)
    ]


def returned(number, kind="return", count=1):
    rows = [{"line_item_id": number, "quantity": count, "restock_type": kind}]
    return [{"id": 1, "refund_line_items": rows, "transactions": []}]


@pytest.mark.parametrize(
    ("changes", "platform_status"),
    [
        ({"line_items": items((1, 0)), "refunds": returned(1)}, PlatformStatus.RETURNED),
        ({"line_items": items((1, None)), "refunds": returned(1)}, PlatformStatus.RETURNED),
        ({"line_items": items((2, 1)), "refunds": returned(1)}, PlatformStatus.OPEN),
        ({"line_items": items((1, 0), (1, 1)), "refunds": returned(1)}, PlatformStatus.OPEN),
        ({"line_items": items((1, 1)), "refunds": returned(1, "no_restock")}, PlatformStatus.OPEN),
        (
            {
                "financial_status": "partially_refunded",
                "current_total_price": "0.00",
                "total_price": "39.95",
            },
            PlatformStatus.REFUNDED,
        ),
        (
            {"financial_status": "partially_refunded", "current_total_price": "5.00"},
            PlatformStatus.OPEN,
        ),
    ],
)
def test_what_went_back_as_a_whole_at_shopify(changes, platform_status):
    assert parse("shopify", "orders/updated", **changes).platform_status is platform_status


@pytest.mark.parametrize(
    ("status", "paid"), [("paid", True), (None, False), ("in_review", False), (..., None)]
)
def test_a_payment_of_shopify_that_is_unknown_waits(status, paid):
    assert parse("shopify", "orders/updated", financial_status=status).paid is paid


def test_only_the_topic_of_the_payment_has_the_time_when_shopify_was_paid():
    assert parse("shopify", "orders/updated").paid_at is None
    assert parse("shopify", "orders/paid").paid_at is not None


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("disputes/create", {"id": 7, "order_id": 5, "status": "needs_response"}),
        ("returns/request", {"id": 7, "order": {"id": 5}, "status": "requested"}),
    ],
)
def test_topics_of_shopify_without_a_date_have_that_of_their_header(topic, body):
    assert shopify_news(topic, body, TRIGGERED).modified_at == at("2026-11-19T10:00:00")
    assert shopify_news(topic, body).modified_at is None


def test_news_of_a_parcel_of_shopify_names_it():
    event = {"id": 1, "order_id": 5, "fulfillment_id": 9, "status": "failure"}
    parcels = [
        {"id": 8, "created_at": "2026-11-17", "shipment_status": "delivered"},
        {"id": 9, "created_at": "2026-11-18", "shipment_status": "failure"},
    ]
    order = parse("shopify", fulfillments=parcels)

    assert shopify_news("fulfillment_events/create", event).parcel == "9"
    assert shopify_news("fulfillments/update", {"id": 9, "order_id": 5}).parcel == "9"
    assert (order.delivery, order.parcel) == (ParcelState.FAILED, "9")
    assert order.delivery_at == at("2026-11-18")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("woocommerce", {"date_created_gmt": ..., "date_created": "35-13-2026"}),
        ("woocommerce", {"date_modified_gmt": "last week"}),
        ("woocommerce_legacy", {"order__created_at": "last week"}),
        ("woocommerce_legacy", {"order__updated_at": "last week"}),
        ("shopify", {"fulfillments": [{"id": 1, "created_at": "yesterday"}]}),
        ("lightspeed", {"order__updatedAt": "last week"}),
    ],
)
def test_an_unreadable_date_is_reported(name, changes):
    assert parse(name).date_unreadable is False
    assert parse(name, **changes).date_unreadable is True


def tracked(*parcels, **changes):
    rows = [{"key": "_wc_shipment_tracking_items", "value": list(parcels)}]
    return parse("woocommerce", status="processing", meta_data=rows, **(BEFORE | changes))


def parcel(sent="2026-11-18", *packed):
    listed = [{"item_id": item, "qty": count} for item, count in packed]
    return {"tracking_number": "3S", "date_shipped": sent, "products_list": listed}


TWO = [{"id": 1, "quantity": 2}, {"id": 2, "quantity": 1}]


@pytest.mark.parametrize(
    ("parcels", "is_all"),
    [
        ([parcel()], True),
        ([parcel("2026-11-18", (1, 2))], False),
        ([parcel("2026-11-18", (1, 1), (2, 1))], False),
        ([parcel("2026-11-18", (1, 2)), parcel("2026-11-18", (2, "1"))], True),
    ],
)
def test_tracking_that_names_a_part_of_the_products_waits(parcels, is_all):
    assert tracked(*parcels, line_items=TWO).fulfilled is is_all


def test_every_parcel_counts_however_many_notes_there_are():
    noted = ["shipped"] * 41
    noted[20] = "failed attempt"
    rows = [{"key": "shipment_status", "value": one} for one in noted]
    rows += [{"key": "_wc_shipment_tracking_items", "value": [parcel()]}]

    order = parse("woocommerce", status="processing", meta_data=rows, **BEFORE)

    assert order.delivery is ParcelState.FAILED
    named = [{"name": "_wc_shipment_tracking_items", "value": [parcel()]}]
    assert not parse("woocommerce", status="processing", meta_data=named, **BEFORE).fulfilled


def test_a_parcel_whose_day_is_to_come_is_scheduled():
    planned, left = tracked(parcel("2026-11-25")), tracked(parcel("2026-11-18"))

    assert (planned.fulfilled, planned.delivery) == (False, ParcelState.SCHEDULED)
    assert (left.fulfilled, left.delivery) == (True, ParcelState.IN_TRANSIT)
    assert (left.shipped_at, "fulfilment" in left.estimated) == (at("2026-11-18"), False)
    assert "fulfilment" in tracked(parcel(None)).estimated
    assert tracked(parcel("soon")).date_unreadable


@pytest.mark.parametrize(
    ("name", "changes", "trait", "holds"),
    [
        ("woocommerce", {"meta_data": meta(amazon_charge_id="x")}, "marketplace", False),
        ("woocommerce", {"meta_data": meta(_amazon_order_id="x")}, "marketplace", True),
        ("woocommerce", {"created_via": "bol"}, "marketplace", True),
        ("shopify", {"source_name": "bolt"}, "marketplace", False),
        ("shopify", {"source_name": "bol.com"}, "marketplace", True),
        ("woocommerce", {"meta_data": meta(_utm_source="a wholesale blog")}, "wholesale", False),
        ("woocommerce", {"meta_data": meta(_wwp_wholesale="yes")}, "wholesale", True),
        ("woocommerce", {"meta_data": meta(role="wholesale_customer")}, "wholesale", True),
        ("woocommerce", {"created_via": "openpos"}, "pos", True),
        ("woocommerce", {"meta_data": meta(_pos="1")}, "pos", True),
        ("woocommerce", {"meta_data": meta(_pos="no")}, "pos", False),
        ("woocommerce", {"line_items": [{"meta_data": meta(_gift_wrap="1")}]}, "gift-card", False),
        ("woocommerce", {"line_items": [{"type": "pw-gift-card"}]}, "gift-card", True),
        ("shopify", {"tags": "Subscription, Subscription Recurring Order"}, "renewal", True),
        ("shopify", {"tags": "Subscription"}, "renewal", False),
    ],
)
def test_what_an_order_is_skipped_for(name, changes, trait, holds):
    assert (trait in parse(name, **changes).traits) is holds


def test_the_name_of_a_company_is_no_greeting():
    lamp = {"first_name": "", "last_name": "Blauwe Lamp", "company": "blauwe lamp"}
    unnamed = {"shipping": {}, "billing__first_name": "", "billing__last_name": "Blauwe Lamp"}

    assert parse("woocommerce", **unnamed).name == "Blauwe Lamp"
    assert parse("woocommerce", **unnamed, billing__company="Blauwe Lamp").name == ""
    assert parse("shopify", customer=lamp, billing_address=lamp, shipping_address=lamp).name == ""
    person = {"order__firstname": "", "order__middlename": "", "order__lastname": "Blauwe Lamp"}
    assert parse("lightspeed", **person, order__companyName="Blauwe Lamp").name == ""
