"""What the standard endpoint takes under which names, and what it says of a field that is missing.

Also tests:
trustsvc/orders/platforms/standard_details.py
trustsvc/orders/platforms/standard_fields.py
trustsvc/orders/platforms/standard_money.py
trustsvc/orders/platforms/standard_words.py
"""

import json
from datetime import UTC, datetime

import pytest

from trustsvc.errors import Refused
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.platforms import standard, standard_fields, standard_words
from trustsvc.orders.received import Ignored

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ORDER = {"reference": "R", "email": "a@shop-buyer.nl", "name": "Anna Bakker"}


def parse(kind="order.updated", **data):
    return standard.parse({}, json.dumps({"type": kind, "data": ORDER | data}).encode(), NOW)


def parse_data(data, kind="order.updated"):
    return standard.parse({}, json.dumps({"type": kind, "data": data}).encode(), NOW)


@pytest.mark.parametrize(
    "write", [str, standard_fields.camel, str.upper, standard_words.normalised]
)
def test_names_may_be_written_in_any_case(write):
    def written(tree):
        return {
            write(key): written(value) if isinstance(value, dict) else value
            for key, value in tree.items()
        }

    data = {
        "order_number": "R",
        "customer": {
            "email_address": "a@shop-buyer.nl",
            "first_name": "Anna",
            "last_name": "Bakker",
        },
        "billing_address": {"country_code": "FR"},
        "created_at": "2026-11-01",
        "paid_at": "2026-11-02",
        "shipped_at": "2026-11-03",
        "delivered_at": "2026-11-04",
        "updated_at": "2026-11-05",
        "may_ask": False,
    }
    order = parse_data(written(data))

    assert (order.reference, order.email, order.name) == ("R", "a@shop-buyer.nl", "Anna Bakker")
    assert (order.locale, order.zone) == ("fr", "Europe/Paris")
    days = (order.created_at, order.paid_at, order.shipped_at, order.delivery_at, order.modified_at)
    assert [day.day for day in days] == [1, 2, 3, 4, 5]
    assert order.consent is False


def test_a_name_in_snake_case_counts_before_one_that_becomes_it():
    for data in (
        {"orderNumber": "X", "order_number": "R"},
        {"order_number": "R", "OrderNumber": "X"},
    ):
        assert parse_data(data | {"email": "a@shop-buyer.nl"}).reference == "R"


def test_a_date_with_keys_of_its_own_is_read_as_it_is():
    at = {"date": "2026-11-03 10:00:00.000000", "timezone_type": 3, "timezone": "UTC"}

    assert parse(shippedAt=at).shipped_at == datetime(2026, 11, 3, 10, tzinfo=UTC)


def test_deep_objects_are_left_as_they_are():
    tree = {}
    for _ in range(20):
        tree = {"customer": tree, "firstName": "x"}

    folded = standard_fields.fold(tree)
    for _ in range(standard_fields.MAX_DEPTH - 1):
        assert "first_name" in folded
        folded = folded["customer"]
    assert "firstName" in folded["customer"]


@pytest.mark.parametrize("name", standard_fields.REFERENCE)
def test_each_name_of_the_number_is_read(name):
    assert parse_data({name: 1001, "email": "a@shop-buyer.nl"}).identity == "1001"


@pytest.mark.parametrize("path", standard_fields.EMAIL)
def test_each_place_of_the_address_is_read(path):
    assert parse_data({"id": 1} | placed(path, "a@shop-buyer.nl")).email == "a@shop-buyer.nl"


@pytest.mark.parametrize("paths", standard_fields.NAME)
def test_each_place_of_the_name_is_read(paths):
    data = {"id": 1, "email": "a@shop-buyer.nl"}
    for path, part in zip(
        paths, ["Anna", "Bakker"] if len(paths) > 1 else ["Anna Bakker"], strict=True
    ):
        for key, value in placed(path, part).items():
            data[key] = data.get(key, {}) | value if isinstance(value, dict) else value

    assert parse_data(data).name == "Anna Bakker"


@pytest.mark.parametrize("path", standard_fields.CONSENT)
@pytest.mark.parametrize(
    ("said", "consent"),
    [(False, False), ("no", False), ("denied", False), (0, False), (True, True), ("?", None)],
)
def test_a_no_is_read_wherever_it_stands(path, said, consent):
    assert parse(**placed(path, said)).consent is consent


def test_a_no_counts_before_a_yes():
    assert parse(consent=True, customer={"may_ask": False}).consent is False
    assert parse(consent=True, do_not_ask="yes").consent is False
    assert parse(consent=True, customer={"tags": "vip, Do-Not-Ask"}).consent is False


def placed(path, value):
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize(
    ("kind", "platform_status"),
    [
        ("order.completed", PlatformStatus.OPEN),
        ("Order.Completed", PlatformStatus.OPEN),
        ("order.partiallyRefunded", None),
        ("order.partially_refunded", None),
        ("order.on_hold", PlatformStatus.ON_HOLD),
        ("shipment.created", None),
    ],
)
def test_types_say_how_the_order_stands(kind, platform_status):
    assert parse(kind).platform_status is platform_status


@pytest.mark.parametrize(
    ("kind", "dispute", "returns"),
    [
        ("order.disputed", PlatformStatus.DISPUTED, None),
        ("order.dispute_won", PlatformStatus.OPEN, None),
        ("order.disputeLost", PlatformStatus.CHARGEBACK, None),
        ("order.chargeback", PlatformStatus.CHARGEBACK, None),
        ("order.return-requested", None, PlatformStatus.RETURN_OPEN),
        ("order.return_declined", None, PlatformStatus.OPEN),
        ("order.returned", None, PlatformStatus.RETURNED),
        ("order.completed", None, None),
    ],
)
def test_types_of_a_dispute_or_a_return_say_nothing_else_of_the_order(kind, dispute, returns):
    order = parse(kind)

    assert (order.dispute, order.returns) == (dispute, returns)
    assert (order.platform_status is PlatformStatus.OPEN) == (kind == "order.completed")


@pytest.mark.parametrize(
    ("kind", "paid", "fulfilled", "delivery"),
    [
        ("order.payment_captured", True, None, None),
        ("order.payment_failed", False, None, None),
        ("order.completed", None, True, None),
        ("shipment.created", None, True, None),
        ("shipment.delivered", None, True, ParcelState.DELIVERED),
        ("shipment.delivery_failed", None, True, ParcelState.FAILED),
        ("order.partially_shipped", None, False, ParcelState.IN_TRANSIT),
    ],
)
def test_types_say_what_became_of_money_and_parcel(kind, paid, fulfilled, delivery):
    order = parse(kind)

    assert (order.paid, order.fulfilled, order.delivery) == (paid, fulfilled, delivery)


def test_a_shipment_names_its_order_and_its_own_state_is_not_the_orders():
    data = {
        "id": "parcel 7",
        "number": "P-7",
        "status": "pending",
        "shippedAt": "2026-11-03",
        "order": {"id": 55, "orderNumber": "R", "customer": {"email": "a@shop-buyer.nl"}},
    }
    inside, beside = (
        parse_data(data, "shipment.created"),
        parse("shipment.created", status="pending"),
    )

    assert (inside.reference, inside.email) == ("R", "a@shop-buyer.nl")
    assert inside.shipped_at == datetime(2026, 11, 3, tzinfo=UTC)
    assert (beside.paid, beside.fulfilled) == (None, True)
    assert parse("order.shipped", status="pending").paid is False


@pytest.mark.parametrize(
    ("data", "platform_status"),
    [
        ({"refunded_amount": "5.00", "total": "39.95"}, None),
        ({"refundedAmount": 39.95, "totals": {"total": "39.95"}}, PlatformStatus.REFUNDED),
        ({"refund": {"amount": "39.95"}, "total": 39.95}, PlatformStatus.REFUNDED),
        ({"refunded_amount": "5,00", "total": "39,95"}, None),
        ({"refunded_amount": "1.039,95", "total": "1039.95"}, PlatformStatus.REFUNDED),
        ({"refunded_amount": 0}, None),
        ({"refunded_amount": 5}, PlatformStatus.REFUND_OPEN),
        ({"refunded_amount": 5, "status": "fully_refunded"}, PlatformStatus.REFUNDED),
        ({"amount": 5, "total": 39.95}, None),
        ({"total": 39.95, "status": "partially_refunded"}, None),
        ({"amount": 39.95}, PlatformStatus.REFUNDED),
        ({}, PlatformStatus.REFUNDED),
    ],
)
def test_only_all_of_the_money_back_ends_an_order(data, platform_status):
    assert parse("order.refunded", **data).platform_status is platform_status
    assert parse("order.partially_refunded", **data | {"status": None}).platform_status is None


@pytest.mark.parametrize(
    ("data", "paid", "fulfilled"),
    [
        ({"paid": False}, False, True),
        ({"paid": True}, True, True),
        ({"paymentStatus": "pending"}, False, True),
        ({"payment_status": "paid"}, True, True),
        ({"financial_status": "authorized"}, False, True),
        ({"financial_status": None}, None, True),
        ({"fulfillmentStatus": "partial"}, None, False),
        ({"fulfillment_status": "fulfilled"}, None, True),
        ({"shipping_status": "not_shipped"}, None, False),
        ({"shipping_status": "not_required"}, None, True),
    ],
)
def test_fields_of_money_and_shipping_count_before_the_type(data, paid, fulfilled):
    order = parse("order.completed", **data)

    assert (order.paid, order.fulfilled) == (paid, fulfilled)


def test_money_that_a_field_says_went_back_ends_an_order():
    assert parse(payment_status="refunded").platform_status is PlatformStatus.REFUNDED


def test_a_no_is_read_around_the_order_too():
    inner = {"reference": "R", "email": "a@shop-buyer.nl", "consent": True}
    for body in (
        {"data": inner, "consent": False},
        {"data": {"consent": False, "order": inner}},
        {"data": inner | {"attributes": {"do-not-ask": True}}},
    ):
        assert standard.parse({}, json.dumps(body).encode(), NOW).consent is False


def test_consent_that_is_null_is_stated_and_one_that_is_absent_is_not():
    assert [parse(consent=None).says_consent, parse().says_consent] == [True, False]


def test_the_buyer_may_stand_beside_the_order():
    data = {"order": {"reference": "R"}, "customer": {"emailAddress": "a@shop-buyer.nl"}}

    assert parse_data(data, "order.shipped").email == "a@shop-buyer.nl"


def test_a_customer_that_is_null_is_an_emptied_address():
    assert parse_data({"reference": "R", "customer": None}).is_whole
    assert not parse_data({"reference": "R"}, "order.shipped").is_whole


@pytest.mark.parametrize("name", ["subscriptionRenewal", "subscription_renewal"])
def test_each_name_of_a_renewal_is_read(name):
    assert parse(**{name: True}).details == {"renewal": {"renewal"}}


def test_a_refund_that_does_not_say_how_much_is_all_of_it():
    assert parse("order.refunded", total=39.95).platform_status is PlatformStatus.REFUNDED


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "The field data.reference is missing."),
        ({"type": "order.paid"}, "The field data.reference is missing."),
        ({"data": {"reference": None}}, "The field data.reference is missing."),
        ({"data": {"reference": {"private": 1}}}, "The field data.reference is missing."),
        ({"data": {"reference": "private" * 50}}, "The field data.reference is too long."),
        ({"data": ["private"]}, "The field data must be an object."),
        ({"type": ["private"], "data": ORDER}, "The field type must be a text."),
    ],
)
def test_a_refusal_names_the_field_and_nothing_that_was_sent(body, detail):
    with pytest.raises(Refused) as refused:
        standard.parse({}, json.dumps(body).encode(), NOW)

    assert str(refused.value) == detail


def test_what_is_ignored_names_the_field_that_was_missed():
    assert parse("order.private") == Ignored("unknown_topic", "type", "R")
    assert parse_data({"id": 1}) == Ignored("no_address", "data.email", "1")
    assert parse(test=True) == Ignored("test_order", identity="R")


@pytest.mark.parametrize(
    ("data", "details"),
    [
        ({}, {}),
        ({"channel": "pos"}, {"channel": {"pos"}}),
        ({"channel": "web"}, {"channel": set()}),
        ({"tags": ["VIP", "pos"]}, {"tags": {"pos", "tag:vip", "tag:pos"}}),
        ({"tags": []}, {"tags": set()}),
        ({"renewal": True}, {"renewal": {"renewal"}}),
        ({"renewal": False}, {"renewal": set()}),
        ({"total": 0}, {"total": {"zero-total"}}),
        ({"total": "39,95"}, {"total": set()}),
        ({"created_at": "broken"}, {"date_created": {"date_unreadable"}}),
        ({"created_at": "2026-11-03"}, {"date_created": set()}),
        ({"created_at": None}, {}),
    ],
)
def test_only_fields_that_are_stated_say_something_of_skipping(data, details):
    assert parse(**data).details == details


def test_the_moment_of_a_type_is_the_date_of_its_event():
    noted = {"date_unreadable"}

    assert parse("order.shipped", moment="broken").details == {
        "date_shipped": noted,
        "date_moment": noted,
    }


@pytest.mark.parametrize(
    ("data", "platform_status", "paid"),
    [
        ({"order": {"reference": "R"}, "status": "cancelled"}, PlatformStatus.CANCELLED, None),
        ({"order": {"reference": "R"}, "payment_status": "pending"}, None, False),
        (
            {"order": {"reference": "R", "total": 39.95}, "refund": {"amount": 5}},
            None,
            None,
        ),
        ({"reference": "R", "state": "open", "status": "cancelled"}, "cancelled", None),
        ({"reference": "R", "status": "completed", "orderStatus": "refunded"}, "refunded", None),
        ({"reference": "R", "state": "CA", "status": "completed"}, "open", None),
        ({"reference": "R", "state": "our-own"}, "other_status", None),
    ],
)
def test_what_stands_beside_the_order_or_its_state_counts(data, platform_status, paid):
    order = parse_data(data | {"email": "a@shop-buyer.nl"}, "order.updated")

    assert (order.platform_status, order.paid) == (platform_status, paid)


def test_an_order_that_went_on_after_it_was_cancelled_is_open():
    cancelled = {"cancelled_at": "2026-11-18T10:00:00Z"}

    later = parse("order.completed", moment="2026-11-19T10:00:00Z", **cancelled)
    assert later.platform_status is PlatformStatus.OPEN
    earlier = parse("order.completed", moment="2026-11-17T10:00:00Z", **cancelled)
    assert earlier.platform_status is PlatformStatus.CANCELLED
    snapshot = parse("order.updated", moment="2026-11-19T10:00:00Z", **cancelled)
    assert snapshot.platform_status is PlatformStatus.CANCELLED


def test_a_no_and_an_erasure_in_news_of_an_unknown_type_count():
    no = parse("customer.updated", consent=False)
    erased = parse("customer.updated", email="[deleted]")

    assert (no.consent, no.email, no.platform_status) == (False, "", None)
    assert erased.is_anonymised
    assert parse("customer.updated", consent=True) == Ignored("unknown_topic", "type", "R")


def test_a_date_of_the_news_that_cannot_be_read_is_reported():
    noted = frozenset({"date_unreadable"})

    assert parse(modified_at="gisteren").details["date_modified"] == noted
    body = {"type": "order.shipped", "timestamp": "gisteren", "data": {"reference": "R"}}
    order = standard.parse({}, json.dumps(body).encode(), NOW)
    assert order.details["date_timestamp"] == noted
