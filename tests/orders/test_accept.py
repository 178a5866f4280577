"""Tests:
trustsvc/orders/cancellation.py

Also tests:
trustsvc/orders/webhook_delivery_log.py
trustsvc/orders/state.py
trustsvc/orders/stored_orders.py
"""

from datetime import timedelta

import pytest

from tests.orders.webhook_client import (
    ACCEPTED,
    DUPLICATE,
    Shop,
    count,
    ignored,
    only_order,
    rows,
    sample,
)
from trustsvc import clock
from trustsvc.crypto import pseudonyms
from trustsvc.orders import buyer, decision_log, undecided
from trustsvc.orders.models import orders, webhook_deliveries
from trustsvc.orders.platform_status import ENDED
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

PLATFORMS = ["shopify", "woocommerce", "lightspeed", "standard"]

LATER = clock.now().isoformat(timespec="seconds")
OVER = {
    "shopify": ("cancelled", {"cancelled_at": "2026-11-18T12:00:00Z"}, "refunds/create"),
    "woocommerce": ("cancelled", {"status": "cancelled"}, "order.updated"),
    "lightspeed": ("cancelled", {"order__status": "cancelled"}, ""),
    "standard": ("cancelled", {"type": "order.cancelled", "data__moment": LATER}, ""),
}
REFUND = {
    "shopify": {"financial_status": "refunded"},
    "woocommerce": {"total": "5.00", "refunds": [{"id": 1, "total": "-5.00"}]},
    "lightspeed": {
        "order__priceIncl": 20,
        "order__invoices__resource__embedded": [{"id": 2, "isCreditNote": True, "priceIncl": -20}],
    },
    "standard": {"type": "order.refunded", "data__moment": LATER},
}
NOT_SHIPPED = {
    "shopify": {"fulfillment_status": None, "fulfillments": []},
    "woocommerce": {"status": "processing", "date_completed_gmt": None, "date_completed": None},
    "lightspeed": {"order__status": "processing_awaiting_shipment", "order__shipmentStatus": ""},
    "standard": {"type": "order.paid", "data__moment": ...},
}
UNPAID = {
    "shopify": {"financial_status": "pending"},
    "woocommerce": {"status": "on-hold", "date_paid_gmt": None, "date_paid": None},
    "lightspeed": {"order__paymentStatus": "not_paid"},
    "standard": {"type": "order.created", "data__paid_at": ..., "data__status": "pending"},
}


def decide():
    """Decide on everything that waits, as check_orders does."""
    with db.transaction() as session:
        undecided.mark_decided(session, [row.id for row in rows()])


@pytest.fixture(params=PLATFORMS)
def shop(client, request):
    return Shop(client, request.param)


@pytest.mark.parametrize("over", [{k: v[1] for k, v in OVER.items()}, REFUND])
def test_an_order_that_ends_is_looked_at_again(shop, over):
    shop.post(sample(shop.platform))
    decide()

    assert shop.post(sample(shop.platform, **over[shop.platform])) == DUPLICATE

    order = only_order()
    assert order.state == "received"
    assert ENDED & {order.platform_status, order.returns}


@pytest.mark.parametrize(
    ("over", "reason"), [({k: v[1] for k, v in OVER.items()}, "cancelled"), (REFUND, "refunded")]
)
def test_an_end_that_comes_before_the_order_holds_and_names_nobody(shop, over, reason):
    assert shop.post(sample(shop.platform, **over[shop.platform])) == ignored(reason)
    order = only_order()
    assert (order.state, order.email, order.name, order.reference) == ("settled", None, None, None)
    assert (order.buyer_pseudonym, order.locale) == (None, None)

    assert shop.post(sample(shop.platform)) == DUPLICATE
    again = only_order()
    assert (again.state, again.email, again.buyer_pseudonym) == ("settled", None, None)
    assert again.platform_status == order.platform_status


def test_an_end_is_logged_once(shop):
    over = OVER[shop.platform][1]
    shop.post(sample(shop.platform))
    shop.post(sample(shop.platform, **over))
    decide()
    with db.transaction() as session:
        buyer.erase(session, [only_order().id], accepts_buyer=True)

    for changes in (over, REFUND[shop.platform], {}):
        assert shop.post(sample(shop.platform, **changes)) == DUPLICATE
    assert (only_order().state, only_order().email) == ("settled", None)
    assert only_order().platform_status == "cancelled"


def test_news_of_shipping_is_taken_up_once(shop):
    assert shop.post(sample(shop.platform, **NOT_SHIPPED[shop.platform])) == ACCEPTED
    assert only_order().shipped_at is None
    decide()

    assert shop.post(sample(shop.platform)) == DUPLICATE
    order = only_order()
    assert (order.state, order.shipped_at is not None) == ("received", True)

    decide()
    assert shop.post(sample(shop.platform)) == DUPLICATE
    assert only_order().state == "settled"


def test_an_unpaid_order_is_kept_and_looked_at_when_it_is_paid(shop):
    unpaid = {**NOT_SHIPPED[shop.platform], **UNPAID[shop.platform]}
    assert shop.post(sample(shop.platform, **unpaid)) == ACCEPTED
    assert (only_order().paid, only_order().paid_at) == (False, None)
    with db.transaction() as session:
        undecided.wait(session, {only_order().id: None})

    shop.post(sample(shop.platform, **NOT_SHIPPED[shop.platform]))
    assert (only_order().paid, only_order().state) == (True, "received")


def test_a_forgotten_buyer_is_not_taken_in_again(shop):
    shop.post(sample(shop.platform, **NOT_SHIPPED[shop.platform]))
    decide()
    with db.transaction() as session:
        buyer.erase(session, [only_order().id])

    assert shop.post(sample(shop.platform)) == DUPLICATE
    assert (only_order().email, only_order().state) == (None, "settled")

    shop.post(sample(shop.platform, **OVER[shop.platform][1]))
    assert (only_order().email, only_order().state) == (None, "received")


CONSENT = {
    "shopify": "buyer_accepts_marketing",
    "lightspeed": "order__newsletterSubscribed",
    "standard": "data__consent",
}


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [(..., True, True), (True, False, False), (False, True, False), (True, ..., True)],
)
@pytest.mark.parametrize("platform", ["standard"])
def test_consent_can_be_taken_back_and_not_be_slipped_in(client, platform, first, then, kept):
    shop = Shop(client, platform)
    for said in (first, then):
        shop.post(sample(platform, **{CONSENT[platform]: said}))

    assert only_order().consent is kept


@pytest.mark.parametrize("platform", ["shopify", "lightspeed"])
def test_who_leaves_the_newsletter_takes_consent_back_and_has_not_refused(client, platform):
    shop = Shop(client, platform)
    shop.post(sample(platform, **{CONSENT[platform]: True}))
    shop.post(sample(platform, **{CONSENT[platform]: False}))

    assert only_order().consent is None


def test_an_order_of_last_year_is_too_old_and_leaves_nothing(shop):
    body = sample(shop.platform)
    with clock.at(clock.now() + timedelta(days=shop.shop.max_age_days + 2)):
        at = int(clock.now().timestamp())
        assert shop.post(body, at=at) == ignored("too_old")
    assert count() == (0, 0, 0)


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b", "a b@example.nl", "x@example.nl\r\nBcc: y"]
)
def test_an_order_without_an_address_leaves_a_row_without_a_person(shop, address):
    path = {
        "shopify": ("email", "contact_email", "customer__email"),
        "woocommerce": ("billing__email",),
        "lightspeed": ("order__email", "order__customer__resource__embedded__email"),
        "standard": ("data__email",),
    }[shop.platform]

    answer = shop.post(sample(shop.platform, **dict.fromkeys(path, address)))

    field = {"field": "data.email"} if shop.platform == "standard" else {}
    assert answer == (200, {"status": "ignored", "reason": "no_address"} | field)
    order = only_order()
    held = (order.email, order.name, order.reference, order.buyer_pseudonym, order.locale)
    assert (order.state, *held) == ("settled", None, None, None, None, None)


def test_each_delivery_is_a_line_of_the_decision_log_without_personal_data(shop):
    by_status = shop.platform == "woocommerce"  # a cancelled order is no longer a completed one
    by_parcel = shop.platform == "lightspeed"  # its order tells of the parcel, too
    changed = (
        ["fulfilment", "delivery"] if by_parcel else ["fulfilment"],
        ["platform_status", "fulfilment"] if by_status else ["platform_status"],
    )
    shop.post(sample(shop.platform, **NOT_SHIPPED[shop.platform]))
    shop.post(sample(shop.platform))
    shop.post(sample(shop.platform, **OVER[shop.platform][1]))

    with db.reading() as session:
        lines = decision_log.of_order(session, only_order().id)
    said = [(line.step, line.rule, line.outcome) for line in lines]
    assert said == [
        ("accept", "new", "received"),
        *(("accept", rule, "received") for rule in changed[0]),
        *(("accept", rule, "received") for rule in changed[1]),
    ]


def test_the_pseudonyms_are_the_shops_own(shop):
    shop.post(sample(shop.platform))

    order = only_order()
    assert order.buyer_pseudonym == pseudonyms.shop_pseudonym(shop.shop.id, order.email)


def test_a_delivery_again_is_a_duplicate_and_with_another_body_a_conflict(client):
    shop = Shop(client, "standard")
    body = sample("standard")
    other = sample("standard", data__reference="R-2")

    assert shop.post(body, message_id="msg_1") == ACCEPTED
    assert shop.post(body, message_id="msg_1") == DUPLICATE
    status, answer = shop.post(other, message_id="msg_1")
    assert (status, answer["status"]) == (409, 409)
    assert len(rows()) == 1

    assert shop.post(other, message_id="msg_2") == ACCEPTED


def test_an_id_of_another_shop_is_no_conflict(client):
    one, two = Shop(client, "standard"), Shop(client, "standard")
    one.post(sample("standard"), message_id="msg_1")

    assert two.post(sample("standard", data__reference="R-2"), message_id="msg_1") == ACCEPTED


def test_an_ignored_delivery_is_not_remembered(client):
    shop = Shop(client, "standard")

    shop.post(sample("standard", data__test=True), message_id="msg_1")
    assert count() == (0, 0, 0)

    assert shop.post(sample("standard"), message_id="msg_1") == ACCEPTED


def test_shopify_may_tell_one_event_by_two_subscriptions(client):
    shop = Shop(client, "shopify")
    shop.post(sample("shopify", **NOT_SHIPPED["shopify"]), "orders/create", message_id="e-1")

    assert shop.post(sample("shopify"), "orders/fulfilled", message_id="e-1") == DUPLICATE
    assert only_order().shipped_at


def test_ids_and_bodies_are_kept_as_pseudonyms_only(client):
    shop = Shop(client, "standard")
    shop.post(sample("standard"), message_id="msg_1")

    delivery = rows(webhook_deliveries)[0]
    assert (len(delivery.delivery_hash), len(delivery.body_hash)) == (18, 18)
    assert delivery.delivery_hash != delivery.body_hash
    assert len(rows(orders)[0].identity) == 18


@pytest.mark.parametrize(
    ("topic", "body", "column", "value"),
    [
        ("orders/delete", {"id": 5938471029384756201}, "platform_status", "cancelled"),
        (
            "refunds/create",
            {"order_id": 5938471029384756201, "transactions": [{"amount": "5.00"}]},
            "platform_status",
            "refund_open",
        ),
        (
            "fulfillments/create",
            {"id": 1, "order_id": 5938471029384756201, "status": "success"},
            "delivery",
            "in_transit",
        ),
        (
            "fulfillment_events/create",
            {"id": 1, "order_id": 5938471029384756201, "status": "delivered"},
            "delivery",
            "delivered",
        ),
    ],
)
def test_shopify_tells_news_of_an_order_by_its_id(client, topic, body, column, value):
    shop = Shop(client, "shopify")
    shop.post(sample("shopify", **NOT_SHIPPED["shopify"]))
    decide()

    assert shop.post(body, topic) == DUPLICATE
    order = only_order()
    assert (order.state, getattr(order, column)) == ("received", value)


def test_news_of_a_parcel_of_an_unknown_order_waits_for_it_without_a_buyer(client):
    shop = Shop(client, "shopify")

    answer = shop.post({"order_id": 8, "status": "delivered"}, "fulfillment_events/create")

    assert answer == ignored("no_address")
    order = only_order()
    assert (order.state, order.delivery, order.buyer_pseudonym) == ("settled", "delivered", None)
