"""What a shop's platform passes on: Shopify's three mandatory webhooks.

Also tests:
jobs/answer_privacy_requests.py
"""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.invitations import sample_orders
from tests.invitations.sample_orders import quiet
from tests.orders.webhook_client import Shop, sample
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.orders.privacy_requests import PrivacyRequest, enqueue
from trustsvc.orders.request_models import privacy_requests
from trustsvc.privacy import request_log
from trustsvc.privacy.request_log import RIGHT_OF
from trustsvc.privacy.retention import purge
from trustsvc.reviews import moderate, publish, submit
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]


@pytest.fixture
def shopify(client):
    return Shop(client, "shopify", may_ask="customers", delay=0)


def ordered(shopify, number, email=my_data_pages.JAN):
    with quiet():
        shopify.post(sample("shopify", id=number, email=email), "orders/create")
    sample_orders.planned(clock.now())


def asked(shopify, topic, **body):
    plain = {"shop_id": 1, "shop_domain": "shop.myshopify.com"}
    with quiet():
        answer = shopify.post(plain | body, topic)
    my_data_pages.answered()
    return answer


def customer(email=my_data_pages.JAN, **more):
    return {"customer": {"id": 1, "email": email, "phone": "0612345678"}} | more


def emails():
    from sqlalchemy import select

    from trustsvc.orders.models import orders

    with db.reading() as session:
        return [one for one in session.scalars(select(orders.c.email)) if one]


def test_a_data_request_mails_the_copy_to_the_person_and_is_registered(shopify):
    ordered(shopify, 1)

    answer = asked(shopify, "customers/data_request", **customer(orders_requested=[1]))

    assert answer == (202, {"status": "accepted"})
    (message,) = my_data_pages.mailed()
    assert message.to_address == my_data_pages.JAN
    assert my_data_pages.register() == [("copy", "done", "shop")]


def test_a_data_request_about_nobody_we_know_is_answered_and_mails_nothing(shopify):
    answer = asked(shopify, "customers/data_request", **customer())

    assert answer[0] == 202
    assert my_data_pages.mailed() == []
    assert my_data_pages.register() == [("copy", "done", "shop")]


def test_redact_erases_the_customer_and_nobody_else(shopify):
    ordered(shopify, 1)
    ordered(shopify, 2, "piet@mail.example")

    asked(shopify, "customers/redact", **customer(orders_to_redact=[1]))

    assert emails() == ["piet@mail.example"]
    assert ("erase", "done", "shop") in my_data_pages.register()


@pytest.mark.parametrize("published", [True, False])
def test_redact_takes_the_name_and_not_the_words(shopify, client, published):
    order_id = my_data_pages.reviewed(shopify.shop, published=published, now=clock.now())

    asked(shopify, "customers/redact", **customer())

    one = my_data_pages.review()
    assert (one.name, one.city, one.email, one.buyer_pseudonym) == ("", "", None, None)
    assert (one.text, one.stars) == (my_data_pages.TEXT, 5)
    assert one.state == ("published" if published else "pending")
    assert [(x.name, x.text) for x in my_data_pages.published()] == (
        [("", my_data_pages.TEXT)] if published else []
    )
    page = client.get(f"/s/{shopify.shop.slug}", headers={"Accept-Language": "en"}).text
    assert "Withdrawn by their author" not in page

    # Behind the link its author can still take it down.
    path = f"/r/{signed_links.token('review', my_data_pages.link(order_id))}"
    with quiet():
        assert client.post(path, data={"do": "withdraw"}).status_code == 303
    assert my_data_pages.review().state == "withdrawn"
    assert my_data_pages.published() == []


@pytest.mark.parametrize("name", [2, "gid://shopify/Order/2"])
def test_redact_erases_a_named_order_that_was_placed_with_another_address(shopify, name):
    ordered(shopify, 1)
    ordered(shopify, 2, "piet@mail.example")
    ordered(shopify, 3, "piet@mail.example")

    asked(shopify, "customers/redact", **customer(orders_to_redact=[1, name]))

    assert emails() == ["piet@mail.example"]
    assert my_data_pages.register() == [("erase", "done", "shop")]


def test_redact_by_orders_alone(shopify):
    ordered(shopify, 1)
    ordered(shopify, 2, "piet@mail.example")

    asked(shopify, "customers/redact", customer={"id": 1}, orders_to_redact=[1])

    assert emails() == ["piet@mail.example"]


EMPTY = dict.fromkeys(("email", "contact_email", "customer__email"), "")


def order_news(shopify, minutes, **fields):
    """Have Shopify tell the order again, changed this many minutes after it was placed."""
    at = clock.now() + timedelta(minutes=minutes)
    with quiet():
        body = sample("shopify", id=1, updated_at=f"{at:%Y-%m-%dT%H:%M:%SZ}", **fields)
        shopify.post(body, "orders/updated")
    sample_orders.planned(clock.now())


def test_an_emptied_address_is_erased_and_a_newer_body_names_the_buyer_again(shopify):
    ordered(shopify, 1)
    order_news(shopify, 1, **EMPTY)
    my_data_pages.answered()
    assert (emails(), my_data_pages.register()) == ([], [("erase", "done", "shop")])

    order_news(shopify, 2, email="anna@mail.example")

    assert emails() == ["anna@mail.example"]


def test_an_erasure_of_an_emptied_address_leaves_the_newer_one_alone(shopify):
    ordered(shopify, 1)
    order_news(shopify, 1, **EMPTY)
    order_news(shopify, 2, email="anna@mail.example")

    my_data_pages.answered()

    assert emails() == ["anna@mail.example"]
    assert my_data_pages.register() == [("erase", "done", "shop")]


def test_shop_redact_erases_every_buyer_and_writes_to_nobody(shopify, client):
    for number in range(5):
        ordered(shopify, number + 1, f"b{number}@mail.example")
    with quiet(), db.transaction() as session:
        review = ReviewInput(5, "", "Goed", "Jan", "Delft", consent=True)
        public_id = submit.submit(session, my_data_pages.links()[0], review, clock.now())
        moderate.approve(session, public_id, "staff 1", clock.now())
        publish.publish_approved(session, clock.now())

    asked(shopify, "shop/redact")

    assert emails() == []
    assert my_data_pages.mailed() == []
    assert [line.name for line in my_data_pages.published()] == [""]
    assert my_data_pages.register() == [("erase", "done", "shop")]


def test_the_same_delivery_again_is_a_duplicate(shopify):
    body = json.dumps({"shop_id": 1} | customer()).encode()
    headers = {"X-Shopify-Event-Id": "e-1"}
    with quiet():
        first = shopify.post(body, "customers/redact", headers)
        again = shopify.post(body, "customers/redact", headers)

    assert (first, again) == ((202, {"status": "accepted"}), (200, {"status": "duplicate"}))


@pytest.mark.parametrize(
    "body", [{}, {"customer": None}, {"customer": {"email": 7}}, {"customer": []}]
)
def test_what_names_nobody_is_refused(shopify, body):
    assert asked(shopify, "customers/redact", **body)[0] == 400


def test_another_shops_customers_are_left_alone(shopify, client):
    other = Shop(client, "shopify", name="Other", may_ask="customers", delay=0)
    ordered(shopify, 1)

    asked(other, "customers/redact", **customer(orders_to_redact=[1]))
    asked(other, "shop/redact")

    assert emails() == [my_data_pages.JAN]


def test_an_unsigned_one_is_refused(shopify):
    answer = shopify.client.post(
        shopify.url, json=customer(), headers={"X-Shopify-Topic": "customers/redact"}
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("kind", sorted(RIGHT_OF))
def test_what_could_not_be_answered_for_three_days_is_left_to_staff_without_the_address(
    installation, kind
):
    asked_at = clock.now() - timedelta(days=3)
    with quiet(), db.transaction() as session:
        enqueue(session, PrivacyRequest(kind, 7, "nl", my_data_pages.JAN), asked_at)

    with quiet():
        purge.purge_due(clock.now())

    with db.reading() as session:
        (waits,) = request_log.open_requests(session, clock.now())
        assert session.execute(select(privacy_requests)).all() == []
    assert (waits.kind, waits.shop_id, waits.day) == (RIGHT_OF[kind], 7, 3)
