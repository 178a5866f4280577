"""Wrong signatures are limited for the network that sends them, and right ones never are."""

from collections import Counter

import pytest

from tests import rate_limits
from tests.orders.webhook_client import ACCEPTED, Shop, sample
from trustsvc.orders import views
from trustsvc.orders.webhook_health import answers

SHOP, ATTACKER = "203.0.113.7", "198.51.100.9"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("installation", [{"TRUSTSVC_TRUSTED_PROXIES": "127.0.0.1"}], indirect=True)
def test_a_network_that_guesses_gets_429_and_no_signed_order_is_refused(client, monkeypatch):
    rate_limits.reset()
    shop = Shop(client, "shopify")
    limit = views.rate_limit.limit

    def guess(path, source):
        return client.post(path, data=b"{}", headers={"X-Forwarded-For": source})

    known = f"/webhooks/shopify/{shop.shop.endpoint_id}"
    paths = [known, "/webhooks/shopify/nobody", "/webhooks/nothing/nobody"]
    got = [guess(paths[number % 3], ATTACKER) for number in range(limit + 30)]
    other = guess(known, "192.0.2.1")

    assert [one.status_code for one in got] == [401] * limit + [429] * 30
    assert len({one.data for one in got[limit:]}) == 1  # nobody learns which endpoint there is
    assert other.status_code == 401
    for source in (ATTACKER, SHOP):  # a platform sends for many shops from one network
        monkeypatch.setitem(client.environ_base, "HTTP_X_FORWARDED_FOR", source)
        body = sample("shopify", id=len(source) + 1)
        assert shop.post(body) == ACCEPTED


def test_for_the_health_of_a_shop_they_count_as_what_they_are():
    assert answers.of_status(429) == answers.of_status(401) == "bad_signature"
    assert max(Counter(answers.ANSWERS).values()) == 1
