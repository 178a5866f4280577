"""The rule by examples, and its false alarms in simulated years of shops of many kinds."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.orders.webhook_health.sample_days import active_days
from trustsvc.orders.webhook_health.rhythm import ActiveDay, is_silent, missed, usual_week

MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def steady(number, *, days=60, on=range(7), start=MONDAY):
    """Deliver so many a day between 8 and 22 o'clock, on some weekdays only."""
    step = 14 * HOUR / max(number, 1)
    return active_days(
        start + day * DAY + 8 * HOUR + turn * step
        for day in range(days)
        if (start + day * DAY).weekday() in on
        for turn in range(number)
    )


def found_after(days, *, most=120):
    """Give the hours after the last delivery at which the silence is noticed."""
    last = days[-1].last_at
    return next((h for h in range(most * 24) if is_silent(days, last + h * HOUR)), None)


def test_a_busy_shop_is_silent_after_a_day_and_three_of_its_nights():
    assert 24 <= found_after(steady(200)) <= 36


def test_a_shop_that_sends_day_and_night_is_silent_after_a_day():
    assert found_after(active_days(MONDAY + n * HOUR / 4 for n in range(60 * 96))) == 24


def test_a_slower_shop_is_given_longer():
    assert 48 < found_after(steady(4)) < 5 * 24
    assert 13 * 24 < found_after(steady(1)) < 17 * 24


def test_a_weekend_without_orders_is_no_silence():
    monday_noon = MONDAY + 63 * DAY + 12 * HOUR  # of the tenth week
    fridays = steady(30, days=61, on=range(5))
    assert fridays[-1].last_at.weekday() == 4
    assert not is_silent(fridays, monday_noon)
    assert is_silent(fridays, monday_noon + 36 * HOUR)


def test_a_pause_that_the_shop_often_makes_is_none_either():
    busy_with_holidays = active_days(
        moment
        for day in steady(10, days=60)
        for moment in (day.first_at, day.last_at)
        for _ in range(5)
        if not 20 <= (day.day - MONDAY).days < 25  # closed for five days
    )

    assert found_after(busy_with_holidays) > 10 * 24


@pytest.mark.parametrize(
    "days",
    [
        [],
        steady(100, days=13),  # new
        steady(1, days=20),  # few orders
        steady(20, days=60, on=[2])[-6:],  # few days
        active_days(MONDAY + day * 10 * DAY for day in range(6)),
    ],
)
def test_a_new_shop_or_one_with_few_orders_is_never_silent(days):
    assert found_after(days) is None if days else not is_silent(days, MONDAY)


def test_one_day_of_many_deliveries_is_no_rhythm():
    days = steady(2)
    bulk = ActiveDay(days[40].day, 5000, days[40].first_at, days[40].last_at)

    assert found_after([*days[:40], bulk, *days[41:]]) > 4 * 24
    assert usual_week([*days[:40], bulk, *days[41:]])[bulk.day.weekday()] < 3


def test_a_moment_before_the_last_delivery_is_no_silence():
    days = steady(200)

    assert not is_silent(days, days[-1].last_at - 30 * DAY)
    assert missed([10.0] * 7, MONDAY, MONDAY - DAY) == 0


def test_what_usually_comes_is_counted_by_part_of_a_day():
    usual = [24.0, 48.0, 0, 0, 0, 0, 0]

    assert missed(usual, MONDAY + 23 * HOUR, MONDAY + DAY + HOUR) == pytest.approx(1 + 2)
    assert missed(usual, MONDAY, MONDAY + 14 * DAY) == pytest.approx(144)


def simulated(orders_a_day, deliveries, weekend, rng, days=365):
    """A year of a shop whose orders come by chance, each in several deliveries."""
    for day in range(days):
        rate = orders_a_day * (weekend if day % 7 > 4 else 1)
        number = sum(rng.random() < rate / 50 for _ in range(50))
        for _ in range(number):
            at = MONDAY + (day + (8 + 14 * rng.random()) / 24) * DAY
            yield at
            for _ in range(deliveries - 1):
                yield at + 2 * rng.random() * DAY


@pytest.mark.parametrize("orders_a_day", [0.3, 1, 3, 10])
@pytest.mark.parametrize("deliveries", [1, 3])
@pytest.mark.parametrize("weekend", [1, 0.3])
@pytest.mark.slow
def test_there_is_at_most_one_false_alarm_in_four_simulated_years(
    orders_a_day, deliveries, weekend
):
    rng = random.Random(4711)
    false_alarms = 0
    for _ in range(8):
        days = active_days(simulated(orders_a_day, deliveries, weekend, rng))
        for number in range(len(days) - 1):
            if days[number + 1].first_at - days[number].last_at > DAY:
                known = days[max(0, number - 60) : number + 1]
                false_alarms += is_silent(known, days[number + 1].first_at)

    assert false_alarms <= 2
