"""Also tests: trustsvc/orders/webhook.py"""

import gc
import json
from io import BytesIO

import pytest
from sqlalchemy import select
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.orders.webhook_client import ACCEPTED, Shop, count, rows, sample
from tests.signing import signed_request
from trustsvc.orders import webhook_server
from trustsvc.orders.webhook_health import counters
from trustsvc.orders.webhook_health.models import webhook_counts
from trustsvc.storage import db

PLATFORMS = ["shopify", "woocommerce", "lightspeed", "standard"]


class Viewed:
    """Says whether a request went on to Flask."""

    def __init__(self, monkeypatch):
        self.paths = []
        real = webhook_server.failure
        monkeypatch.setattr(
            webhook_server, "failure", lambda environ: self.paths.append(1) or real(environ)
        )


@pytest.fixture
def viewed(monkeypatch):
    return Viewed(monkeypatch)


@pytest.fixture(params=PLATFORMS)
def shop(client, request):
    counters.reset()
    return Shop(client, request.param)


def environ(shop, body, **changes):
    headers = signed_request(shop.platform, shop.secret, body)
    built = EnvironBuilder(shop.url, method="POST", data=body, headers=headers).get_environ()
    return {name: value for name, value in (built | changes).items() if value is not None}


def answer(shop, *args, **changes):
    body, status, headers = run_wsgi_app(shop.client.application, environ(shop, *args, **changes))
    return b"".join(body), status, dict(headers)


def test_an_accepted_order_is_answered_before_flask(shop, viewed):
    assert shop.post(sample(shop.platform)) == ACCEPTED
    assert viewed.paths == []


def test_the_view_gives_the_same_answer(shop, viewed):
    body = json.dumps(sample(shop.platform)).encode()
    answer(shop, body)

    without_view = answer(shop, body)
    assert viewed.paths == []
    by_view = answer(shop, body, CONTENT_LENGTH=f"{len(body):09}")  # of no usual shape
    assert viewed.paths == [1]

    assert by_view == without_view


@pytest.mark.parametrize("body", [b"{}", b"[]", b"\xff", b"{"])
def test_what_is_refused_is_answered_by_the_app(shop, viewed, body):
    _, status, headers = answer(shop, body)

    assert status.startswith("400")
    assert headers["Content-Type"] == "application/problem+json"
    assert viewed.paths == [1]
    assert count()[0] == 0


def test_a_wrong_signature_is_checked_once_and_counted_once(shop, viewed):
    shop.secret = "whsec_" + "x" * 32
    status, problem = shop.post(sample(shop.platform))

    assert (status, problem["status"]) == (401, 401)
    assert viewed.paths == [1]
    assert _counts() == [(shop.shop.id, "bad_signature", 1)]


def test_an_accepted_order_is_counted_once(shop):
    shop.post(sample(shop.platform))

    assert _counts() == [(shop.shop.id, "accepted", 1)]


def test_a_body_that_ends_early_is_no_order(shop):
    whole = json.dumps(sample(shop.platform)).encode()

    _, status, _ = answer(shop, whole, **{"wsgi.input": BytesIO(whole[:-5])})

    assert status[0] == "4"
    assert rows() == []


@pytest.mark.parametrize("length", ["-1", "+5", "0x10", "9" * 30, "1 0", "\u0661"])
def test_a_length_that_is_none_goes_on_to_the_app(shop, length):
    _, status, _ = answer(shop, b"{}", CONTENT_LENGTH=length)

    assert status[0] == "4"
    assert rows() == []


@pytest.mark.parametrize(
    "odd",
    [
        {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"},
        {"HTTP_HOST": "a..b"},
        {"HTTP_HOST": f"{'a' * 64}.example"},
        {"wsgi.url_scheme": "ws"},
        {"REQUEST_METHOD": "PUT"},
    ],
)
def test_what_flask_refuses_before_it_routes_is_not_accepted(shop, odd):
    body = json.dumps(sample(shop.platform)).encode()

    _, status, _ = answer(shop, body, **odd)

    assert status[0] == "4"
    assert rows() == []


class Pieces(BytesIO):
    def read(self, size=-1):
        return super().read(min(size, 100))


class Broken(BytesIO):
    def read(self, size=-1):
        raise OSError("the connection is gone")


def test_a_body_may_come_in_pieces(shop):
    body = json.dumps(sample(shop.platform)).encode()

    _, status, _ = answer(shop, body, **{"wsgi.input": Pieces(body)})

    assert status.startswith("202")


def test_a_body_that_cannot_be_read_is_answered_by_the_app(shop):
    _, status, headers = answer(shop, b"{}", **{"wsgi.input": Broken()})

    assert status[0] in "45"
    assert headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("body", [b"{}", b"{"])
def test_a_refused_body_is_kept_in_no_cycle(shop, body):
    answer(shop, body)
    gc.collect()
    gc.disable()
    try:
        answer(shop, body)
        kept = [x for x in gc.get_objects() if isinstance(x, webhook_server.Failure)]
    finally:
        gc.enable()
    assert kept == []


def _counts():
    counters.write()
    with db.reading() as session:
        return [(x.shop_id, x.answer, x.count) for x in session.execute(select(webhook_counts))]
