"""Wrong signatures are limited for the network that sends them, and right ones never are."""

import itertools
from collections import Counter

import pytest

from tests import rate_limits
from tests.mail.feedback.webhooks import fake_sns
from tests.mail.feedback.webhooks.test_views import Postmark, Ses
from tests.orders.webhook_client import ACCEPTED, Shop, sample
from trustsvc import clock
from trustsvc.http import access
from trustsvc.mail.feedback.webhooks import certificates
from trustsvc.orders.webhook_health import answers
from trustsvc.server_log import wrong_signatures

SHOP, ATTACKER = "203.0.113.7", "198.51.100.9"


def orders(client):
    """Give paths to guess at, and how to send what is right."""
    shop = Shop(client, "shopify")
    known = f"/webhooks/shopify/{shop.shop.endpoint_id}"
    paths = [known, "/webhooks/shopify/nobody", "/webhooks/nothing/nobody"]
    numbers = itertools.count(1)
    return paths, lambda: shop.post(sample("shopify", id=next(numbers))) == ACCEPTED


def mail_events(client):
    postmark, ses = Postmark(client), Ses(client)
    paths = [f"/mail-events/postmark/{postmark.id}", f"/mail-events/postmark/{'a' * 32}"]
    paths.append("/mail-events/nothing/nobody")
    right = {"RecordType": "Delivery"}
    return paths, lambda: postmark.post(right)[0] == ses.post(fake_sns.message("notice"))[0] == 200


SENDERS = {
    "/webhooks/<platform>/<endpoint_id>": orders,
    "/mail-events/<provider>/<endpoint_id>": mail_events,
}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("installation", [{"TRUSTSVC_TRUSTED_PROXIES": "127.0.0.1"}], indirect=True)
def test_a_network_that_guesses_gets_429_at_every_route_and_nothing_right_is_refused(
    app, client, monkeypatch
):
    limit = wrong_signatures.wrong_signature_limit.limit

    def guess(path, source):
        return client.post(path, data=b"{}", headers={"X-Forwarded-For": source})

    views = app.view_functions
    rules = app.url_map.iter_rules()
    signed = {str(one) for one in rules if access.requirement(views[one.endpoint]) == "signature"}
    assert signed == SENDERS.keys()
    for rule in sorted(signed):
        rate_limits.reset()
        monkeypatch.delitem(client.environ_base, "HTTP_X_FORWARDED_FOR", raising=False)
        paths, send = SENDERS[rule](client)
        with clock.at(clock.now().replace(second=0, microsecond=0)):  # the limit is one of a minute
            got = [guess(paths[number % 3], ATTACKER) for number in range(limit + 30)]
        other = guess(paths[0], "192.0.2.1")

        assert [one.status_code for one in got] == [401] * limit + [429] * 30, rule
        assert len({one.data for one in got[limit:]}) == 1  # nobody learns which endpoint there is
        assert other.status_code == 401
        for source in (ATTACKER, SHOP):  # a platform sends for many shops from one network
            monkeypatch.setitem(client.environ_base, "HTTP_X_FORWARDED_FOR", source)
            assert send(), (rule, source)
    certificates._known.clear()


def test_for_the_health_of_a_shop_they_count_as_what_they_are():
    assert answers.of_status(429) == answers.of_status(401) == "bad_signature"
    assert max(Counter(answers.ANSWERS).values()) == 1
