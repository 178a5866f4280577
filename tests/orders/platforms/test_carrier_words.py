import json

import pytest

from tests.orders.platforms.test_parse import NOW, parse
from trustsvc.orders.platform_status import ParcelState
from trustsvc.orders.platforms import PLATFORMS, carrier_words

BAD = [
    *("failure", "NOT_DELIVERED", "undelivered", "delivery_exception", "exception", "expired"),
    *("returned", "Return to sender", "RETURNED_TO_SENDER", "lost", "damaged", "refused"),
]


def shopify_event(status):
    body = {"id": 1, "order_id": 5, "fulfillment_id": 9, "status": status}
    said = {"x-shopify-topic": "fulfillment_events/create"}
    return PLATFORMS["shopify"].parse(said, json.dumps(body).encode(), NOW)


@pytest.mark.parametrize("word", BAD)
def test_bad_news_of_a_carrier_holds_the_order_back_on_every_platform(word):
    parcels = [{"id": 9, "created_at": "2026-11-18", "status": "success", "shipment_status": word}]
    tracked = [{"key": "ts_shipment_status", "value": [{"status": word}]}]

    assert carrier_words.state_of(word) is ParcelState.FAILED
    assert parse("shopify", fulfillments=parcels).delivery is ParcelState.FAILED
    assert shopify_event(word).delivery is ParcelState.FAILED
    assert parse("woocommerce", meta_data=tracked).delivery is ParcelState.FAILED


@pytest.mark.parametrize("word", ["label_printed", "confirmed", "pre_transit", "by_balloon", ""])
def test_a_word_that_is_unknown_changes_nothing_and_is_still_a_delivery(word):
    event = shopify_event(word)

    assert (event.identity, event.delivery, event.is_update) == ("5", None, False)
    assert carrier_words.state_of(word) is None


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ([], None),
        ([None], None),
        ([ParcelState.DELIVERED, ParcelState.FAILED], ParcelState.FAILED),
        ([ParcelState.DELIVERED, ParcelState.READY_FOR_PICKUP], ParcelState.READY_FOR_PICKUP),
        ([ParcelState.DELIVERED, ParcelState.DELIVERED], ParcelState.DELIVERED),
        ([ParcelState.DELIVERED, None], None),
        ([ParcelState.DELIVERED, ParcelState.IN_TRANSIT], ParcelState.IN_TRANSIT),
    ],
)
def test_of_several_parcels_the_worst_counts(states, worst):
    assert carrier_words.worst(states) is worst
