"""Two shops with the same buyer and the same numbers: what one says holds for it alone."""

import base64
import secrets

import pytest
from sqlalchemy import update

from tests.app import two_shops
from tests.invitations import sample_orders
from tests.orders.webhook_client import Shop, sample
from tests.privacy.rights import my_data_pages
from tests.privacy.rights.test_answer_requests import customer
from tests.signing import TOPICS
from trustsvc import clock
from trustsvc.privacy.rights.views import ACTIONS
from trustsvc.shops.models import shops
from trustsvc.storage import db

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("platform", TOPICS)
def test_a_signature_of_one_shop_is_none_at_the_endpoint_of_another(client, platform):
    mine, theirs = (Shop(client, platform, name) for name in ("Alfa", "Bravo"))
    mine.secret = _another_secret(mine)
    body = sample(platform)
    before = two_shops.everything()

    mine.url, own = theirs.url, mine.url
    with sample_orders.quiet():
        refused = mine.post(body)
        mine.url = f"/webhooks/{platform}/{secrets.token_hex(16)}"
        nowhere = mine.post(body)
    untouched = two_shops.everything() == before
    mine.url = own
    with sample_orders.quiet():
        taken = mine.post(body)

    assert (refused, untouched) == (nowhere, True)
    assert (refused[0], taken[0]) == (401, 202)


def _another_secret(shop):
    """Both are enrolled with the sample's secret: give this one its own."""
    made = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    with db.transaction() as session:
        session.execute(update(shops).where(shops.c.id == shop.shop.id).values(secret=made))
    return made


def _shared(client):
    """Two shops of a platform, with the same buyer and the same numbers of orders."""
    both = [Shop(client, "shopify", name, may_ask="customers") for name in ("Alfa", "Bravo")]
    with sample_orders.quiet():
        both[0].post(sample("shopify", id=7, email=my_data_pages.JAN))
        before = two_shops.everything()
        both[1].post(sample("shopify", id=7, email=my_data_pages.JAN))
    return both[0], both[1], two_shops.everything() - before


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/cancelled", lambda: sample("shopify", id=7, cancelled_at=_moment())),
        ("customers/redact", lambda: customer(orders_to_redact=[7])),
        ("customers/data_request", lambda: customer(orders_requested=[7])),
        ("shop/redact", lambda: {"shop_id": 2, "shop_domain": "shop.example"}),
    ],
)
def test_what_a_shop_says_of_its_buyer_touches_nothing_at_another_with_the_same(
    client, topic, body
):
    mine, theirs, rows = _shared(client)
    before = two_shops.everything()

    with sample_orders.quiet():
        status, _ = mine.post(body(), topic)
    my_data_pages.answered()

    after = two_shops.everything()
    assert status in {200, 202}
    assert rows <= after
    assert two_shops.of_shop(after - before, theirs.shop.id) == []
    assert after != before


def _moment():
    return clock.now().isoformat(timespec="seconds")


@pytest.mark.parametrize("deed", ACTIONS)
def test_a_messages_link_shows_and_does_nothing_at_another_shop_of_the_same_buyer(client, deed):
    mine, theirs = sample_orders.shop(name="Alfa Zqx"), sample_orders.shop(name="Bravissimo Zqx")
    order = sample_orders.invited(mine, clock.now(), email=my_data_pages.JAN)
    before = two_shops.everything()
    sample_orders.invited(theirs, clock.now(), email=my_data_pages.JAN, identity="Bravissimo-1")
    rows = two_shops.everything() - before
    if deed == "lift":
        my_data_pages.post(client, order, "restrict")

    pages = [client.get(my_data_pages.path(order, page)) for page in ("", "copy.json", deed)]
    pages.append(my_data_pages.post(client, order, deed, name="Jan Anders", shown_name="J."))

    assert [page.status_code for page in pages] == [200] * 4
    assert [page.text for page in pages if "Bravissimo" in page.text] == []
    assert rows <= two_shops.everything()
