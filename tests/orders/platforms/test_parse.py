"""What each platform's bodies mean: tables of answers, and whatever hypothesis thinks of.

Also tests:
trustsvc/orders/platforms/lightspeed.py
trustsvc/orders/platforms/shopify.py
trustsvc/orders/platforms/woocommerce.py
trustsvc/orders/platforms/shopify_order.py
"""

import copy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.orders.webhook_client import SAMPLES, change
from trustsvc.errors import Refused
from trustsvc.orders.platform_status import ENDED, ParcelState, PlatformStatus
from trustsvc.orders.platforms import PLATFORMS
from trustsvc.orders.received import Ignored, OrderReceived, PrivacyRequestReceived

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WHOLE = {path.stem: json.loads(path.read_text()) for path in SAMPLES.glob("*.json")}
TOPIC = {"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic", "lightspeed": "x-event"}


def parse(name, topic="", headers=None, **changes):
    platform = name.partition("_")[0]
    body = copy.deepcopy(WHOLE[name])
    change(body, changes)
    said = {TOPIC[platform]: topic} if topic else {}
    data = json.dumps(body).encode()
    return PLATFORMS[platform].parse(said | (headers or {}), data, NOW)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "identity", "reference", "email", "person", "locale", "created", "shipped"),
    [
        (
            "shopify",
            "5938471029384756201",
            "#GR20417",
            "Femke.deVries@voorbeeldpost.nl",
            "Femke de Vries",
            "nl-NL",
            "2026-11-16T19:14:08",
            "2026-11-18T08:41:28",
        ),
        (
            "woocommerce",
            "48213",
            "BW-48213",
            "juergen.grossmann@beispielpost.de",
            "Jürgen Großmann-Köhler",
            "de",
            "2026-11-15T17:02:44",
            "2026-11-18T10:20:04",
        ),
        (
            "woocommerce_legacy",
            "9105",
            "9105",
            "eleanor.obrien+garden@examplepost.co.uk",
            "Eleanor O'Brien",
            "en",
            "2026-11-16T08:30:11",
            "2026-11-18T07:14:58",
        ),
        (
            "lightspeed",
            "264518833",
            "ORD20671",
            "pieter.vdberg@voorbeeldpost.be",
            "Pieter-Jan van den Berg",
            "nl-BE",
            "2026-11-14T20:47:03",
            "2026-11-18T07:05:59",
        ),
        (
            "standard",
            "LDC-2026-00318",
            "LDC-2026-00318",
            "amelie.lefevre@exemplecourrier.fr",
            "Amélie Lefèvre-Dubois",
            "fr-FR",
            "2026-11-16T19:25:40",
            "2026-11-18T10:11:52",
        ),
    ],
)
def test_a_full_size_order_becomes_its_five_fields(
    name, identity, reference, email, person, locale, created, shipped
):
    order = parse(name)

    assert (order.identity, order.reference) == (identity, reference)
    assert (order.email, order.name, order.locale) == (email, person, locale)
    assert (order.created_at, order.shipped_at) == (at(created), at(shipped))
    assert order.delivery in {None, ParcelState.IN_TRANSIT}
    assert order.platform_status is PlatformStatus.OPEN
    assert order.paid or order.paid_at
    assert "Femke" not in repr(order)


SHOPIFY = [
    ("orders/create", {"test": True}, "test_order"),
    ("orders/create", {"test": "true"}, "test_order"),
    ("draft_orders/create", {}, "draft"),
    ("draft_orders/update", {"id": "x"}, "draft"),
    ("customers/update", {}, "unknown_topic"),
    ("customers/redact", {}, "erase"),
    ("customers/data_request", {}, "access"),
    ("shop/redact", {}, "erase_shop"),
    ("customers/redact", {"test": True}, "test_order"),
    ("app/uninstalled", {}, "unknown_topic"),
    ("ORDERS/CREATE", {"email": "", "contact_email": None, "customer": None}, "ok"),
    ("", {"email": "", "contact_email": None, "customer": ...}, "ok"),
    ("orders/create", {"email": "x", "contact_email": "y@example.nl"}, "ok"),
]
WOO = [
    ("order.created", {"status": "checkout-draft"}, "draft"),
    ("order.updated", {"status": "auto-draft"}, "draft"),
    ("order.restored", {"status": "wc-completed"}, "ok"),
    ("product.updated", {}, "unknown_topic"),
    ("customer.created", {}, "unknown_topic"),
    ("action.woocommerce_order_status_completed", {}, "unknown_topic"),
    ("order.created", {"billing": None}, "ok"),
    (
        "order.created",
        {"billing": None, "status": "pending", "date_paid_gmt": None, "date_paid": None},
        "ok",
    ),
]
LIGHTSPEED = [
    ("", {"order__email": False, "order__customer": False}, "ok"),
    ("orders/deleted", {}, "cancelled"),
    ("", {"order__status": "cancelled_by_customer"}, "cancelled"),
    ("", {"order": ..., "product": {"id": 1}}, "unknown_topic"),
    ("", {"order": ..., "customer": {"id": 1}}, "unknown_topic"),
    ("", {"order__products__resource__embedded": [{"quantityReturned": 1}]}, "returned"),
    ("", {"order__products__resource__embedded": [{"quantityRefunded": 1}]}, "refunded"),
]
STANDARD = [
    ("", {"data__test": True}, "test_order"),
    ("", {"data__status": "draft"}, "draft"),
    ("", {"type": "invoice.paid"}, "unknown_topic"),
    ("", {"type": "order"}, "unknown_topic"),
    ("", {"type": "order.canceled"}, "cancelled"),
    ("", {"data__status": "cancelled"}, "cancelled"),
    ("", {"data__refunded_at": "2026-11-19"}, "refunded"),
    ("", {"type": ...}, "ok"),
]
TABLE = [
    (name, *row)
    for name, table in [
        ("shopify", SHOPIFY),
        ("woocommerce", WOO),
        ("lightspeed", LIGHTSPEED),
        ("standard", STANDARD),
    ]
    for row in table
]


def kind(answer):
    if isinstance(answer, Ignored):
        return answer.reason
    if isinstance(answer, PrivacyRequestReceived):
        return answer.kind
    if answer.is_draft:
        return "draft"
    if answer.is_over:
        return next(one.value for one in (answer.platform_status, answer.returns) if one in ENDED)
    return "ok"


@pytest.mark.parametrize(("name", "topic", "changes", "expected"), TABLE)
def test_the_table_of_answers(name, topic, changes, expected):
    assert kind(parse(name, topic, **changes)) == expected


@pytest.mark.parametrize(
    ("topic", "body", "expected"),
    [
        ("orders/create", {}, "refused"),
        ("orders/create", {"id": None, "line_items": []}, "refused"),
        ("orders/create", {"id": [1], "line_items": []}, "refused"),
        ("orders/edited", {"order_edit": {"order_id": 1}}, "unknown_topic"),
        ("orders/delete", {"id": 5}, "cancelled"),
        ("orders/delete", {}, "refused"),
        ("refunds/create", {"order_id": 5}, "ok"),
        ("refunds/create", {"id": 5}, "refused"),
        ("fulfillments/create", {"order_id": 5, "status": "success"}, "ok"),
        ("fulfillments/update", {"order_id": 5, "status": "cancelled"}, "ok"),
        ("fulfillment_events/create", {"order_id": 5, "status": "in_transit"}, "ok"),
        ("fulfillment_events/create", {"order_id": 5, "status": "failure"}, "ok"),
        ("fulfillment_events/create", {"order_id": 5, "status": "x"}, "ok"),
        ("", {"order_id": 5, "refund_line_items": []}, "ok"),
        ("", {"order_id": 5, "happened_at": "2026-11-19", "status": "delivered"}, "ok"),
        ("", {"order_id": 5, "shipment_status": "delivered"}, "ok"),
        ("", {"unrelated": 1}, "refused"),
    ],
)
def test_the_thin_bodies_of_shopify(topic, body, expected):
    try:
        answer = PLATFORMS["shopify"].parse(
            {"shopify-topic": topic} if topic else {}, json.dumps(body).encode(), NOW
        )
    except Refused:
        assert expected == "refused"
    else:
        assert kind(answer) == expected


def test_a_test_order_is_known_by_its_header_too():
    assert parse("shopify", headers={"x-shopify-test": "true"}) == Ignored(
        "test_order", identity="5938471029384756201"
    )


def test_an_event_of_shopify_is_known_by_its_event_id_before_its_webhook_id():
    both = {"x-shopify-event-id": "e", "x-shopify-webhook-id": "w"}

    assert parse("shopify", headers=both).webhook_delivery_id == "e"
    assert parse("shopify", headers={"shopify-webhook-id": "w"}).webhook_delivery_id == "w"


def test_a_part_of_an_order_is_not_yet_shipped():
    assert parse("shopify", fulfillment_status="partial").shipped_at is None


def test_all_parcels_delivered_is_delivered():
    parcel = {
        "created_at": "2026-11-17",
        "updated_at": "2026-11-19",
        "shipment_status": "delivered",
    }
    order = parse("shopify", fulfillments=[parcel, parcel | {"updated_at": "2026-11-20"}])
    half = parse("shopify", fulfillments=[parcel, parcel | {"shipment_status": "in_transit"}])

    assert (order.delivery, order.delivery_at) == (ParcelState.DELIVERED, at("2026-11-20"))
    assert half.delivery is None


@pytest.mark.parametrize(
    ("said", "consent"), [("yes", True), ("no", False), ("x", None), (5, None)]
)
def test_woocommerce_tells_consent_in_a_field_of_ours(said, consent):
    order = parse("woocommerce", meta_data=[{"key": "trustsvc_consent", "value": said}])

    assert order.consent is consent


def test_an_edit_of_last_years_order_does_not_look_like_a_parcel_of_today():
    order = parse("lightspeed", order__createdAt="2025-01-01T10:00:00Z")

    assert order.paid_at == order.shipped_at == at("2025-01-31T10:00:00")


@pytest.mark.parametrize(
    "data",
    [
        {"order_reference": "R", "customer": {"email": "a@example.nl", "name": "A B"}},
        {"order_number": "R", "email": "a@example.nl", "first_name": "A", "last_name": "B"},
        {"order": {"number": "R", "customer": {"email": "a@example.nl", "name": "A B"}}},
        {"id": "R", "email": "a@example.nl", "name": "A B"},
    ],
)
def test_the_standard_endpoint_is_liberal_in_what_it_reads(data):
    for body in ({"type": "order.created", "data": data}, {"type": "order.created", **data}):
        order = PLATFORMS["standard"].parse({}, json.dumps(body).encode(), NOW)
        assert (order.reference, order.email, order.name) == ("R", "a@example.nl", "A B")


@pytest.mark.parametrize("news", ["paid", "shipped", "delivered", "cancelled", "refunded"])
def test_the_standard_endpoint_reads_a_moment_where_it_stands(news):
    moment = at("2026-11-18T10:00:00")
    bodies = [
        {"type": f"order.{news}", "data": {"reference": "R", "moment": "2026-11-18T10:00:00Z"}},
        {"type": f"order.{news}", "data": {"reference": "R", f"{news}_at": "2026-11-18T10:00:00Z"}},
        {"type": f"order.{news}", "timestamp": "2026-11-18T10:00:00Z", "reference": "R"},
        {"type": "order.updated", "data": {"reference": "R", f"{news}_at": "2026-11-18T10:00:00Z"}},
    ]
    for body in bodies:
        order = PLATFORMS["standard"].parse({}, json.dumps(body).encode(), NOW)
        is_dated = body["type"] != "order.updated"  # other dates of an order are no time of it
        assert order.modified_at == (moment if is_dated else None)
        stated = {
            "paid": order.paid_at,
            "shipped": order.shipped_at,
            "delivered": order.delivery_at,
        }
        assert stated.get(news, moment) == moment
        assert order.is_over == (news in {"cancelled", "refunded"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(tree, way=()):
    found = [way] if way else []
    if isinstance(tree, dict):
        for key, value in tree.items():
            found += places(value, (*way, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            found += places(value, (*way, index))
    return found


def put(tree, way, value):
    """Put a value in a place of a tree; gives what was there."""
    for step in way[:-1]:
        tree = tree[step]
    before, tree[way[-1]] = tree[way[-1]], value
    return before


TOPICS = st.sampled_from(
    [
        "",
        "orders/create",
        "orders/fulfilled",
        "refunds/create",
        "fulfillment_events/create",
        "order.updated",
        "order.deleted",
        "orders/deleted",
    ]
)


def answered(platform, headers, data):
    """Parse; the only exception that may come is Refused, and what comes is well formed."""
    try:
        order = PLATFORMS[platform].parse(headers, data, NOW)
    except Refused:
        return
    if isinstance(order, OrderReceived):
        text = order.name + order.reference + order.email + order.locale + order.identity
        assert not set(text) & set("\r\n\x00\u2028\u2029\u202e")
        text.encode()
        assert len(order.name) <= 100
        assert 0 < len(order.identity) < 200
        assert order.created_at.tzinfo


@pytest.mark.slow
@settings(max_examples=400)
@given(st.sampled_from(sorted(WHOLE)), TOPICS, JSON, st.data())
def test_anything_may_stand_in_any_field(name, topic, value, data):
    platform = name.partition("_")[0]
    body = copy.deepcopy(WHOLE[name])
    put(body, data.draw(st.sampled_from(places(WHOLE[name]))), value)
    headers = {TOPIC[platform]: topic} if platform in TOPIC and topic else {}

    answered(platform, headers, json.dumps(body).encode())


@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 1.5, 1e400, "", "x", "\ud800", "\x00", [], [[]], {}, [None], 10**40],
)
@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_wrong_type_in_every_field_is_answered(name, value):
    body = json.loads(json.dumps(WHOLE[name]))
    for way in places(body):
        before = put(body, way, value)
        answered(name.partition("_")[0], {}, json.dumps(body).replace("Infinity", "1e999").encode())
        put(body, way, before)


@given(st.sampled_from(sorted(PLATFORMS)), st.binary(max_size=300))
def test_random_bytes_are_refused(platform, body):
    answered(platform, {}, body)


@given(st.sampled_from(sorted(PLATFORMS)), TOPICS, JSON)
def test_random_json_is_answered(platform, topic, value):
    headers = {TOPIC[platform]: topic} if platform in TOPIC and topic else {}

    answered(platform, headers, json.dumps(value).encode())


@settings(max_examples=200)
@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 7000), st.integers(0, 255))
def test_a_body_with_a_broken_byte_is_answered(name, place, byte):
    data = bytearray(json.dumps(WHOLE[name]).encode())
    data[place % len(data)] = byte

    answered(name.partition("_")[0], {}, bytes(data))
