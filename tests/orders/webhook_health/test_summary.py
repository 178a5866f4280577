from datetime import UTC, datetime, timedelta

import pytest

from tests.orders.webhook_health.sample_days import deliver
from trustsvc.orders.webhook_health import summary
from trustsvc.shops import enrol
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def shop(installation):
    with db.transaction() as session:
        new = enrol.Enrolment("Blue Lamp", "lamp.example", "shopify", secret="s" * 20)
        return enrol.enrol(session, new, NOON)[0]


def only(now=NOON):
    with db.reading() as session:
        (found,) = summary.of_all_shops(session, now)
    return found


def test_a_shop_of_which_nothing_was_counted_has_no_moments_and_no_answers(shop):
    found = only()

    assert found.shop == shop
    assert (found.delivery_at, found.read_at, found.order_at, found.alarm) == (None,) * 4
    assert found.counts == {}
    assert found.trouble is None


def test_seven_days_are_today_and_the_six_before(shop):
    deliver(shop.id, [NOON - 7 * DAY, NOON - 6 * DAY, NOON])

    assert only().counts == {"accepted": 2}
    assert only(NOON + 6 * DAY).counts == {"accepted": 1}
    assert only(NOON + 7 * DAY).counts == {}
    assert only(NOON + 90 * DAY).order_at == NOON


def test_a_day_that_lies_ahead_is_not_counted(shop):
    deliver(shop.id, [NOON + 2 * DAY])

    assert only().counts == {}


def test_answers_are_listed_in_one_order(shop):
    for answer in ("other", "duplicate", "accepted"):
        deliver(shop.id, [NOON], answer)

    assert list(only().counts) == ["accepted", "duplicate", "other"]
