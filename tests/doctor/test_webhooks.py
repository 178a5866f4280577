from datetime import timedelta

import pytest

from tests.orders.webhook_health.sample_days import deliver, weeks
from trustsvc import clock
from trustsvc.doctor import webhooks
from trustsvc.orders.webhook_health import alarm
from trustsvc.shops import enrol
from trustsvc.storage import db

pytestmark = pytest.mark.slow

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def enrolled(name):
    with db.transaction() as session:
        new = enrol.Enrolment(name, "lamp.example", "woocommerce")
        return enrol.enrol(session, new, clock.now())[0]


def findings(now):
    with db.transaction() as session:
        alarm.watch(session, now)
    with db.reading() as session:
        return webhooks.webhook_deliveries(session, now)


@pytest.fixture
def now(installation):
    return clock.now()


def test_shops_that_deliver_are_one_good_line(now):
    deliver(enrolled("Lamp").id, [now])
    enrolled("Quiet")

    assert [(one.level, one.remedy) for one in findings(now)] == [("OK", "")]


def test_errors_instead_of_orders_fail_with_the_cure(now):
    shop = enrolled("Lamp")
    deliver(shop.id, [now - HOUR], "ignored:platform_error")

    (found,) = findings(now)

    assert found.level == "FAIL"
    assert found.detail == ("WooCommerce sends errors instead of orders: lamp (no order news yet)")
    assert "a WordPress user who exists and may read orders" in found.remedy


@pytest.mark.parametrize(
    ("since", "detail"),
    [
        (None, "fell silent"),
        ("bad_signature", "wrong signature"),
        ("refused", "refused as unusable"),
    ],
)
def test_a_silent_shop_is_warned_of_with_the_date_as_long_as_it_lasts(now, since, detail):
    shop = enrolled("Lamp")
    deliver(shop.id, weeks(now - 20 * DAY))
    if since:
        deliver(shop.id, [now - HOUR], since)

    (found,) = findings(now)
    assert found.level == "WARN"
    assert detail in found.detail
    assert "lamp (last order news 20" in found.detail
    assert found.remedy

    deliver(shop.id, [now])
    assert [one for one in findings(now) if "last order news" in one.detail] == []


def test_shops_of_one_kind_share_a_line_and_each_kind_has_its_own(now):
    for name in ("Lamp", "Chair"):
        deliver(enrolled(name).id, weeks(now - 20 * DAY))
    deliver(enrolled("Door").id, [now - HOUR], "ignored:platform_error")

    found = findings(now)

    assert [one.level for one in found] == ["FAIL", "WARN"]
    assert found[1].detail.index("chair (") < found[1].detail.index("lamp (")


@pytest.mark.parametrize("answer", ["bad_signature", "refused", "too_large"])
def test_deliveries_that_cannot_be_used_are_named_with_their_number(now, answer):
    shop = enrolled("Lamp")
    deliver(shop.id, [now], answer, count=12)
    deliver(shop.id, [now], "unavailable")

    (found,) = findings(now)

    assert found.level == "WARN"
    assert found.detail == f"answered {answer} in 7 days: lamp (12)"


def test_an_alarm_hides_no_other_problem_of_its_shop(now):
    shop = enrolled("Lamp")
    deliver(shop.id, [now - HOUR], "ignored:platform_error")
    deliver(shop.id, [now - HOUR], "too_large", count=3)

    assert [one.detail for one in findings(now)] == [
        "WooCommerce sends errors instead of orders: lamp (no order news yet)",
        "answered too_large in 7 days: lamp (3)",
    ]
