"""Duplicates and replays: at once, later, after a month, with another body."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.orders.webhook_client import ACCEPTED, DUPLICATE, Shop, only_order, rows, sample
from trustsvc import clock, log
from trustsvc.doctor import stores
from trustsvc.orders import idempotency
from trustsvc.orders.models import webhook_deliveries
from trustsvc.privacy.retention import purge
from trustsvc.storage import db
from trustsvc.storage.event_log import events

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

PLATFORMS = ["shopify", "woocommerce", "lightspeed", "standard"]


@pytest.fixture(params=PLATFORMS)
def shop(client, request):
    return Shop(client, request.param)


@pytest.fixture
def standard(client):
    return Shop(client, "standard")


def now_in_seconds():
    return int(clock.now().timestamp())


def doctor(now):
    return stores.database(now)


def reported():
    with db.reading() as session:
        return session.execute(select(events).where(events.c.kind == idempotency.CONFLICT)).all()


def test_one_delivery_a_hundred_times_at_once_is_one_order(shop):
    body = sample(shop.platform)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: shop.post(body, message_id="msg_1"), range(100)))

    assert answers.count(ACCEPTED) == 1
    assert answers.count(DUPLICATE) == 99
    assert only_order()


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=30)])
def test_a_delivery_that_comes_again_much_later_is_a_duplicate(shop, later):
    body = json.dumps(sample(shop.platform)).encode()
    shop.post(body, message_id="msg_1")
    known = only_order().id

    with clock.at(clock.now() + later):
        purge.purge_due(clock.now())
        assert shop.post(body, message_id="msg_1", at=now_in_seconds()) == DUPLICATE
    assert only_order().id == known


@pytest.mark.parametrize(("days", "status"), [(29, 409), (31, 409), (36, 202)])
def test_a_known_id_with_another_body_is_noticed_for_more_than_30_days(standard, days, status):
    standard.post(sample("standard"), message_id="msg_1")

    with clock.at(clock.now() + timedelta(days=days)):
        purge.purge_due(clock.now())
        other = sample("standard", data__reference="R-2")
        assert standard.post(other, message_id="msg_1", at=now_in_seconds())[0] == status
    assert len(rows()) == (1 if status == 409 else 2)


def test_another_body_under_a_known_id_is_reported_without_its_content(standard, capfd):
    log.configure()
    known = "msg_known-already"
    standard.post(sample("standard"), message_id=known)
    assert reported() == []

    other = sample("standard", data__reference="#R-2", data__email="eve@example.nl")
    answers = [standard.post(other, message_id=known)[0] for _ in range(5)]

    assert answers == [409] * 5
    (row,) = reported()
    assert (row.shop_id, row.subject) == (standard.shop.id, standard.shop.id)
    said = capfd.readouterr().err
    assert said.count("order.delivery_conflict") == 1
    assert [word for word in (known, "#R-2", "eve@", "example.nl") if word in said] == []
    assert any("trustsvc shop rotate" in finding.remedy for finding in doctor(clock.now()))


def test_a_replay_goes_on_being_reported_once_an_hour(standard):
    standard.post(sample("standard"), message_id="msg_1")
    start = clock.now()

    for minutes in (1, 59, 62):
        with clock.at(start + timedelta(minutes=minutes)):
            other = sample("standard", data__reference="R-2")
            standard.post(other, message_id="msg_1", at=now_in_seconds())

    assert len(reported()) == 2
    later = start + timedelta(days=8)
    assert not any("trustsvc shop rotate" in finding.remedy for finding in doctor(later))


def test_elsewhere_the_new_state_of_the_order_is_taken_up_and_nothing_is_reported(client):
    shop = Shop(client, "shopify")
    shop.post(sample("shopify"), message_id="e-1")

    over = sample("shopify", cancelled_at="2026-11-18T12:00:00Z")
    assert shop.post(over, message_id="e-1") == DUPLICATE

    assert only_order().platform_status == "cancelled"
    assert reported() == []


def test_a_replay_of_the_very_same_signed_request_is_refused_after_five_minutes(standard):
    data = sample("standard")
    at = now_in_seconds()
    standard.post(data, message_id="msg_1", at=at)

    with clock.at(clock.now() + timedelta(seconds=310)):
        assert standard.post(data, message_id="msg_1", at=at)[0] == 401
    assert len(rows(webhook_deliveries)) == 1
