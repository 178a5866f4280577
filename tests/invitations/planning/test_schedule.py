from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.invitations.planning.test_eligibility import Order, Shop
from trustsvc import countries
from trustsvc.invitations.planning import schedule
from trustsvc.orders.platform_status import ParcelState

AMSTERDAM = "Europe/Amsterdam"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def at(text, zone=AMSTERDAM):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def local(moment, zone=AMSTERDAM):
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def happened(days):
    """Make an order of which these events are known, by name."""
    moments = {f"{name}_at": day for name, day in days.items()}
    if "delivered_at" in moments:
        moments |= {"delivery": ParcelState.DELIVERED, "delivery_at": moments.pop("delivered_at")}
    return Order(**moments)


@pytest.mark.parametrize(
    ("said", "moment", "taken"),
    [
        ("csdp", "delivered", "delivered"),
        ("csp", "delivered", "shipped"),
        ("cp", "delivered", "paid"),
        ("c", "delivered", "created"),
        ("csdp", "shipped", "delivered"),
        ("csp", "shipped", "shipped"),
        ("cpd", "shipped", "delivered"),
        ("c", "shipped", "created"),
        ("csdp", "paid", "paid"),
        ("cs", "paid", "created"),
        ("csdp", "created", "created"),
    ],
)
def test_after_which_moment_the_message_counts(said, moment, taken):
    days = {
        "created": at("2026-06-01 10:00"),
        "paid": at("2026-06-02 10:00"),
        "shipped": at("2026-06-03 10:00"),
        "delivered": at("2026-06-04 10:00"),
    }
    order = happened({name: day for name, day in days.items() if name[0] in said})

    assert (taken, days[taken]) == schedule.start_event(Shop(moment=moment), order)


@pytest.mark.parametrize(
    ("start", "delay", "unit", "leaves"),
    [
        ("2026-06-10 10:00", 0, "minutes", "2026-06-10 10:00"),
        ("2026-06-10 10:00", 45, "minutes", "2026-06-10 10:45"),
        ("2026-06-10 10:00", 3, "hours", "2026-06-10 13:00"),
        ("2026-06-10 19:30", 1, "hours", "2026-06-11 09:00"),
        ("2026-06-10 10:00", 7, "days", "2026-06-17 10:00"),
        ("2026-06-10 23:30", 7, "days", "2026-06-18 09:00"),
        ("2026-06-10 03:00", 7, "days", "2026-06-17 09:00"),
        # Weekdays: the 12th is a Friday.
        ("2026-06-10 10:00", 1, "weekdays", "2026-06-11 10:00"),
        ("2026-06-12 10:00", 1, "weekdays", "2026-06-15 10:00"),
        ("2026-06-12 10:00", 5, "weekdays", "2026-06-19 10:00"),
        ("2026-06-12 10:00", 6, "weekdays", "2026-06-22 10:00"),
        ("2026-06-13 10:00", 1, "weekdays", "2026-06-15 10:00"),
        ("2026-06-14 10:00", 1, "weekdays", "2026-06-15 10:00"),
        ("2026-06-13 10:00", 0, "weekdays", "2026-06-15 10:00"),
        ("2026-06-11 21:00", 1, "weekdays", "2026-06-15 09:00"),  # Friday night is Monday morning
        # Leap day, and the end of a year.
        ("2028-02-22 10:00", 7, "days", "2028-02-29 10:00"),
        ("2028-02-28 10:00", 2, "days", "2028-03-01 10:00"),
        ("2026-12-28 10:00", 7, "days", "2027-01-04 10:00"),
        # Over the nights in which the clock jumps, the time on the wall stays.
        ("2026-03-28 10:00", 1, "days", "2026-03-29 10:00"),
        ("2026-10-24 10:00", 1, "days", "2026-10-25 10:00"),
        ("2026-03-22 02:30", 7, "days", "2026-03-29 09:00"),  # there is no 02:30 that night
        ("2026-10-18 02:30", 7, "days", "2026-10-25 09:00"),  # there are two of it
        ("2026-03-28 10:00", 24, "hours", "2026-03-29 11:00"),
        ("2026-10-24 10:00", 24, "hours", "2026-10-25 09:00"),
    ],
)
def test_when_a_message_leaves(start, delay, unit, leaves):
    shop = Shop(delay=delay, delay_unit=unit, moment="created")

    due = schedule.due_at(shop, Order(created_at=at(start)), AMSTERDAM, LONG_AGO)

    assert leaves == local(due)


@pytest.mark.parametrize(
    ("moment", "moved"),
    [
        ("2026-06-10 08:59:59", "2026-06-10 09:00"),
        ("2026-06-10 09:00", "2026-06-10 09:00"),
        ("2026-06-10 19:59:59", "2026-06-10 19:59"),
        ("2026-06-10 20:00", "2026-06-11 09:00"),
        ("2026-06-10 23:59", "2026-06-11 09:00"),
        ("2026-06-11 00:00", "2026-06-11 09:00"),
        ("2026-03-28 20:00", "2026-03-29 09:00"),
        ("2026-10-24 20:00", "2026-10-25 09:00"),
        ("2026-12-31 20:00", "2027-01-01 09:00"),
        ("2028-02-28 20:00", "2028-02-29 09:00"),
    ],
)
def test_messages_leave_by_daylight(moment, moved):
    assert moved == local(schedule.daytime(at(moment), AMSTERDAM))


def test_a_message_that_is_late_leaves_at_the_next_hour_of_day_and_never_in_the_past():
    now = at("2026-06-10 22:00")

    due = schedule.due_at(Shop(), Order(created_at=at("2026-05-01 10:00")), AMSTERDAM, now)

    assert local(due) == "2026-06-11 09:00"


def test_the_same_instant_is_day_in_one_country_and_evening_in_another():
    moment = datetime(2026, 6, 10, 17, 30, tzinfo=UTC)

    assert schedule.daytime(moment, "Europe/London") == moment  # 18:30
    assert local(schedule.daytime(moment, "Europe/Athens"), "Europe/Athens") == "2026-06-11 09:00"


@pytest.mark.parametrize(
    ("locale", "zone"),
    [
        ("nl-NL", AMSTERDAM),
        ("nl_BE", "Europe/Brussels"),
        ("de-at", "Europe/Vienna"),
        ("sr-Latn-FI", "Europe/Helsinki"),
        ("nl", "Shop/Zone"),
        ("en-US", "America/New_York+Pacific/Honolulu"),
        ("es-ES", "Europe/Madrid+Atlantic/Canary"),
        ("en-AQ", "Shop/Zone"),
        ("", "Shop/Zone"),
        (None, "Shop/Zone"),
        ("\x00-\uffff-", "Shop/Zone"),
    ],
)
def test_in_which_zone_a_buyer_lives(locale, zone):
    assert zone == schedule.buyer_zone(locale, "Shop/Zone")


@pytest.mark.parametrize("locale", ["fr-CA", "en-US", "pt-BR", "ja-JP", "en-NZ", "en-AU", "ru-RU"])
def test_it_is_day_in_all_of_a_country_with_several_zones(locale):
    zone = schedule.buyer_zone(locale, AMSTERDAM)
    morning = at("2026-06-10 10:00")

    due = schedule.due_at(Shop(), Order(created_at=morning), zone, LONG_AGO)

    assert zone != AMSTERDAM
    for there in zone.split("+"):
        assert 9 <= due.astimezone(ZoneInfo(there)).hour < 20
    assert timedelta(days=7) <= due - morning < timedelta(days=8, hours=1)


def test_zones_that_share_no_hour_of_day_give_the_day_of_the_first():
    moment = at("2026-06-10 22:00")

    due = schedule.daytime(moment, "Europe/Amsterdam+Pacific/Auckland")

    assert local(due) == "2026-06-11 09:00"


def test_a_reminder_leaves_by_day_in_each_zone():
    zone = "America/New_York+Pacific/Honolulu"
    sent = at("2026-03-06 10:00", "America/New_York")

    due = schedule.reminder_due_at(sent, 7, zone, sent)

    assert local(due, "Pacific/Honolulu") == "2026-03-13 09:00"
    assert local(due, "America/New_York") == "2026-03-13 15:00"


def test_a_weekday_is_one_in_each_zone():
    friday_evening = at("2026-06-12 21:00", "Pacific/Honolulu")

    due = schedule.daytime(friday_evening, "America/New_York+Pacific/Honolulu", on_weekdays=True)

    assert local(due, "Pacific/Honolulu") == "2026-06-15 09:00"


@pytest.mark.parametrize("zone", ["Nowhere/Town", "../../etc/passwd", "", "Europe", "+", "UTC+"])
def test_a_zone_that_does_not_exist_is_utc(zone):
    moment = datetime(2026, 6, 10, 12, tzinfo=UTC)

    assert moment == schedule.daytime(moment, zone)


def test_a_reminder_comes_days_later_at_the_same_hour():
    sent = at("2026-03-25 15:00")

    assert local(schedule.reminder_due_at(sent, 7, AMSTERDAM, sent)) == "2026-04-01 15:00"


@pytest.mark.parametrize("name", ["delivered", "shipped", "paid", "created"])
def test_the_date_of_the_experience_is_the_last_we_know(name):
    said = happened({"created": at("2026-06-01 10:00"), name: at("2026-06-05 10:00")})

    assert at("2026-06-05 10:00") == schedule.experienced_at(said)


@given(
    some.integers(0, 3 * 366 * 24 * 60).map(lambda m: NEW_YEAR + timedelta(minutes=m)),
    some.sampled_from(sorted(countries._known()[0])),
    some.integers(0, 400),
    some.sampled_from(["minutes", "hours", "days", "weekdays"]),
)
def test_whatever_the_delay_a_message_leaves_by_day_and_not_before_it_is_due(
    start, country, delay, unit
):
    zone = schedule.buyer_zone(f"xx-{country}", "UTC")

    due = schedule.due_at(Shop(delay=delay, delay_unit=unit), Order(created_at=start), zone, start)

    for name in zone.split("+"):
        there = due.astimezone(ZoneInfo(name))
        assert 9 <= there.hour < 20
        if unit == "weekdays":
            assert there.weekday() < 5
    assert due >= start
    assert due == schedule.daytime(due, zone)
    if unit == "days":
        assert due - start >= timedelta(days=delay) - timedelta(hours=1)


def test_sent_again_after_a_delivery_counts_from_the_newest_shipment():
    order = happened({"delivered": at("2026-06-02 10:00"), "shipped": at("2026-06-05 10:00")})

    assert schedule.start_event(Shop(moment="shipped"), order)[1] == at("2026-06-05 10:00")
