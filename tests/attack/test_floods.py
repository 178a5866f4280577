"""A flood of requests turns nobody else away, and is answered in runs far below the time limit.

trustsvc/orders/privacy_requests.py and trustsvc/privacy/rights/answer_requests.py; the networks are
made up, on loopback.
"""

import pytest
from sqlalchemy import func, select

from jobs import answer_privacy_requests
from tests import rate_limits
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.orders.webhook_client import Shop
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.orders import privacy_requests, request_models
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.orders.received import PrivacyRequestKind
from trustsvc.privacy.rights import answer_requests
from trustsvc.storage import db
from trustsvc.work_queue import job_queue, stop_request

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def fill(shop_id, number, network=None, kind=PrivacyRequestKind.MY_DATA, email="x{}@mail.example"):
    """Store requests as a flood would have, without the pages."""
    with quiet(), db.transaction() as session:
        for one in range(number):
            address = email.format(one)
            made = PrivacyRequest(kind, shop_id, "en", address, network=network)
            privacy_requests.store(session, made, NOON)


def waiting():
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(request_models.privacy_requests))


def post(client, path, email="anna@mail.example", address="203.0.113.7"):
    rate_limits.reset()
    with quiet():
        answer = client.post(path, data={"email": email}, environ_base={"REMOTE_ADDR": address})
    return answer.status_code


def test_a_thousand_that_wait_turn_nobody_away(client):
    shop, other = sample_orders.shop(), sample_orders.shop(name="Other")
    fill(shop.id, 1100, b"another network", PrivacyRequestKind.OBJECT)
    fill(0, 1100, b"another network")

    for path in (f"/object/{shop.slug}", f"/object/{other.slug}", "/me"):
        assert post(client, path) == 200, path


def test_one_network_s_requests_wait_up_to_a_limit_at_each_shop(client, monkeypatch):
    monkeypatch.setattr(privacy_requests, "MAX_OF_NETWORK", 3)
    shop, other = sample_orders.shop(), sample_orders.shop(name="Other")
    path = f"/object/{shop.slug}"

    mine = [post(client, path, f"b{number}@mail.example") for number in range(4)]

    assert mine == [200, 200, 200, 429]
    assert post(client, path, address="203.0.113.99") == 429
    assert post(client, path, address="198.51.100.7") == 200
    assert post(client, f"/object/{other.slug}") == 200
    assert post(client, "/me") == 200


def test_a_full_shop_s_pages_and_its_platform_wait_apart(client, monkeypatch):
    shopify = Shop(client, "shopify")
    fill(1, 4, b"a network", PrivacyRequestKind.OBJECT)
    monkeypatch.setattr(privacy_requests, "MAX_OF_SHOP", 4)
    body = {"shop_id": 1, "customer": {"id": 1, "email": "anna@mail.example"}}

    with quiet():
        passed_on = shopify.post(body, "customers/redact")

    assert passed_on[0] == 202
    with db.reading() as session:
        slug = session.scalar(select(sample_orders.shops.c.slug))
    assert post(client, f"/object/{slug}") == 503


def test_requests_are_answered_in_sets_and_the_job_ends_before_its_limit(installation, monkeypatch):
    fill(0, 60)
    enqueued = []
    monkeypatch.setattr(answer_privacy_requests, "RUN_S", -1.0)

    with job_queue.capture(enqueued.append):
        answer_privacy_requests.answer_privacy_requests()
        left = waiting()
        monkeypatch.setattr(answer_privacy_requests, "RUN_S", 60.0)
        answer_privacy_requests.answer_privacy_requests()

    assert left == 60 - answer_requests.SET_SIZE
    assert enqueued == ["answer_privacy_requests"]
    assert waiting() == 0


def test_a_run_is_far_shorter_than_the_limit_of_the_job():
    assert job_queue.TIME_LIMIT_S[answer_privacy_requests.NAME] / 2 > answer_privacy_requests.RUN_S


def test_a_stop_ends_the_run_after_the_running_set(installation):
    fill(0, 60)

    with stop_request.listening(), quiet():
        stop_request.note()
        answer_privacy_requests.answer_privacy_requests()

    assert waiting() == 60 - answer_requests.SET_SIZE


def test_one_that_fails_holds_up_no_other_of_its_set(installation, monkeypatch):
    fill(0, 5)
    known = my_data_pages.JAN
    sample_orders.invited(sample_orders.shop())
    fill(0, 1, email=known)
    monkeypatch.setitem(answer_requests._ANSWERS, PrivacyRequestKind.ACCESS, _fail)
    fill(0, 2, kind=PrivacyRequestKind.ACCESS)
    fill(0, 3)

    my_data_pages.answered()

    assert waiting() == 2
    assert [message.to_address for message in my_data_pages.mailed()] == [known]


def _fail(*_):
    raise ValueError


def test_the_erasure_of_a_shop_is_a_set_of_its_own(installation):
    fill(1, 2)
    fill(1, 1, kind=PrivacyRequestKind.ERASE_SHOP)
    fill(1, 1)

    with quiet(), db.transaction() as session:
        sets = [len(privacy_requests.pop_due(session, NOON, 10)) for _ in range(4)]

    assert sets == [2, 1, 1, 0]
