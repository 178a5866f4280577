"""What WooCommerce signs and sends where the webhook's user may not read the order."""

import pytest

from tests.orders.webhook_client import ACCEPTED, Shop, ignored, rows, sample
from trustsvc.orders.platforms import woocommerce

pytestmark = pytest.mark.slow

REST = {
    "code": "woocommerce_rest_cannot_view",
    "message": "Sorry, you cannot view this resource.",
    "data": {"status": 401},
}
LEGACY = {
    "errors": {
        "woocommerce_api_user_cannot_read_order": ["You do not have permission to read this order"]
    }
}
ERRORS = [
    REST,
    LEGACY,
    REST | {"code": "woocommerce_rest_shop_order_invalid_id", "data": {"status": 404}},
    REST | {"code": "rest_forbidden", "additional_errors": [{"code": "x", "message": "y"}]},
    {"code": "jwt_auth_invalid_token", "message": "Expired token"},
    {"errors": [{"code": "woocommerce_api_authentication_error", "message": "No."}]},
]
NO_ERRORS = [
    {},
    {"errors": {}},
    {"errors": "none"},
    {"id": 7, "errors": {"a": ["b"]}},
    {"code": "", "message": ""},
    {"code": 7, "message": "seven"},
    {"code": "coupon"},
    {"code": "A1", "message": "a coupon", "id": 4},
]


@pytest.fixture
def shop(client):
    return Shop(client, "woocommerce")


@pytest.mark.parametrize("body", ERRORS)
@pytest.mark.parametrize("topic", ["order.created", "order.updated", None])
def test_a_signed_error_is_answered_200_so_that_the_webhook_stays_active(shop, body, topic):
    for _ in range(7):
        assert shop.post(body, topic=topic) == ignored("platform_error")
    assert rows() == []

    assert shop.post(sample("woocommerce")) == ACCEPTED


@pytest.mark.parametrize("body", NO_ERRORS)
def test_what_only_looks_like_an_error_is_none(body):
    assert not woocommerce.is_error(body)


@pytest.mark.parametrize("body", ERRORS)
def test_an_error_of_something_other_than_orders_is_no_error_of_the_shop(shop, body):
    assert shop.post(body, topic="product.updated") == ignored("unknown_topic")


def test_an_error_that_is_not_signed_is_refused(shop, client):
    assert client.post(shop.url, json=REST).status_code == 401


def test_the_words_of_the_error_are_repeated_nowhere(shop, caplog):
    body = REST | {"message": "S3cret words of the shop"}
    _, answer = shop.post(body)

    assert "S3cret" not in str(answer) + caplog.text
