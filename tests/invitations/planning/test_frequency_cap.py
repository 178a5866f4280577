from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.invitations.sample_orders import (
    NOON,
    decisions_of,
    invitation_of,
    invited,
    sent_invitations,
    shop,
)
from trustsvc.crypto import pseudonyms
from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations
from trustsvc.invitations.planning import frequency_cap
from trustsvc.orders.models import orders
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("cap_days", "unanswered", "days"),
    [(30, 0, 30), (30, 1, 30), (30, 2, 90), (30, 3, 365), (30, 9, 365), (200, 2, 200), (0, 3, 0)],
)
def test_the_cap_grows_while_nothing_is_written(cap_days, unanswered, days):
    assert frequency_cap.cap(cap_days, unanswered) == timedelta(days=days)


def asked(at_shop, day):
    """Place an order of the same buyer on this day; gives whether it led to an invitation."""
    now = NOON + day * DAY
    order_id = invited(at_shop, now, created_at=now)
    sent_invitations(now=now)
    return invitation_of(order_id) is not None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_monthly_box_brings_three_invitations_in_a_year_and_not_twelve(installation):
    at_shop = shop()

    days = [day for day in range(0, 480, 31) if asked(at_shop, day)]

    assert days == [0, 31, 124]


def test_a_review_counts_as_a_contact_and_begins_the_count_again(installation):
    at_shop = shop()
    assert asked(at_shop, 0)
    assert asked(at_shop, 31)
    with db.transaction() as session:
        link = session.scalar(
            invitations.select().with_only_columns(invitations.c.link).order_by(-invitations.c.id)
        )
        redeem.redeem(session, redeem.find(session, link), NOON + 40 * DAY)
        # Forgotten with the review; the keyed hash stays for the cap.
        pseudonym = pseudonyms.shop_pseudonym(at_shop.id, "jan@mail.example")
        session.execute(update(orders).values(email=None, buyer_pseudonym=pseudonym))

    assert not asked(at_shop, 62)
    assert asked(at_shop, 71)
    assert asked(at_shop, 102)


def test_a_late_review_of_an_earlier_order_begins_the_count_again(installation):
    at_shop = shop()
    assert asked(at_shop, 0)
    assert asked(at_shop, 31)
    with db.transaction() as session:
        link = session.scalar(
            invitations.select().with_only_columns(invitations.c.link).order_by(invitations.c.id)
        )
        redeem.redeem(session, redeem.find(session, link), NOON + 40 * DAY)

    assert not asked(at_shop, 62)
    assert asked(at_shop, 71)
    with db.reading() as session:
        newest = select(invitations.c.unanswered).order_by(-invitations.c.id).limit(1)
        assert session.scalar(newest) == 1
    assert asked(at_shop, 102)
    assert not asked(at_shop, 150)


def test_the_reason_is_logged(installation):
    at_shop = shop()
    assert asked(at_shop, 0)
    order_id = invited(at_shop, NOON + DAY)

    assert ("may_ask", "asked_before", "refuse") in decisions_of(order_id)
