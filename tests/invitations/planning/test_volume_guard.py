"""A shop that suddenly asks many times its usual number of buyers waits until somebody looked."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.invitations.sample_orders import (
    NOON,
    invited,
    message_of,
    place,
    planned,
    quiet,
    sent,
    shop,
)
from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations, volume_guards
from trustsvc.invitations.planning import volume_guard
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

few = pytest.mark.parametrize("installation", [{"TRUSTSVC_HOURLY_MOST": "5"}], indirect=True)


def wave(at_shop, number, now=NOON):
    ids = [place(at_shop, now, email=f"{now:%d%H%M}.{n}@mail.example") for n in range(number)]
    while planned(now):
        pass
    return ids


def paused():
    with db.reading() as session:
        return [(one.slug, one.counted, one.usual) for one in volume_guard.paused_shops(session)]


def go_on(slug, now=NOON):
    with db.transaction() as session, quiet():
        return volume_guard.resume(session, slug, now)


@few
def test_a_shop_that_suddenly_asks_too_many_waits_and_the_others_go_on(installation):
    sudden, calm = shop(name="Sudden"), shop(name="Calm")
    wave(calm, 5)
    wave(sudden, 6)

    assert paused() == [("sudden", 6, 0)]
    assert {one.from_name for one in sent().messages} == {"Calm"}

    assert go_on("sudden")
    assert len(sent().messages) == 6
    assert paused() == []


@few
def test_going_on_twice_or_for_a_shop_that_does_not_wait_does_nothing(installation):
    wave(shop(name="Sudden"), 6)
    shop(name="Calm")

    assert [go_on(slug) for slug in ("sudden", "sudden", "calm", "nobody")] == [
        True,
        False,
        False,
        False,
    ]


@few
def test_what_was_confirmed_as_real_does_not_pause_the_shop_again(installation):
    sudden = shop(name="Sudden")
    wave(sudden, 6)
    go_on("sudden")

    wave(sudden, 20, NOON + MINUTE)
    assert paused() == []
    wave(sudden, 5, NOON + 2 * MINUTE)
    assert paused() == [("sudden", 31, 0)]
    go_on("sudden", NOON + 2 * MINUTE)
    wave(sudden, 6, NOON + 20 * DAY)  # when nobody remembers
    assert paused() == [("sudden", 6, 0)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.slow
@few
def test_a_shop_may_ask_five_times_its_usual(installation):
    steady = shop(name="Steady")
    for days in range(1, 4):
        wave(steady, 5, NOON - days * DAY)
    assert paused() == []

    wave(steady, 25)
    assert paused() == []
    wave(steady, 1, NOON + MINUTE)
    assert paused() == [("steady", 26, 5)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.slow
@pytest.mark.parametrize("installation", [{"TRUSTSVC_HOURLY_MOST": "0"}], indirect=True)
def test_without_a_limit_no_shop_is_paused(installation):
    wave(shop(), 30)

    assert paused() == []
    assert len(sent().messages) == 30


def test_by_default_a_thousand_an_hour_pause_nobody(installation):
    with db.reading() as session:
        assert session.execute(select(volume_guards)).all() == []
    assert installation.hourly_most == 1000


@few
def test_what_buyers_ask_for_while_their_shop_waits_applies_when_it_goes_on(installation):
    sudden = shop(name="Sudden")
    ids = wave(sudden, 6)
    with db.transaction() as session, quiet():
        opt_out(session, f"{NOON:%d%H%M}.0@mail.example", sudden.id, "objection", NOON)
        redeem.withdraw(session, [ids[1]], "cancelled", NOON)
    go_on("sudden")

    assert len(sent().messages) == 4
    assert [message_of(one).reason for one in ids[:2]] == ["opted_out", "cancelled"]


@few
def test_a_clock_that_went_back_counts_no_invitations_of_tomorrow(installation):
    calm = shop(name="Calm")
    wave(calm, 5)
    with db.transaction() as session:
        session.execute(update(invitations).values(created_at=NOON + DAY))

    invited(calm, email="new@mail.example")

    assert paused() == []
