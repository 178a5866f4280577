"""The card after an order: who registers then is asked about that order, and nobody is kept."""

from datetime import timedelta

import pytest

from tests import rate_limits
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, invitation_of, invited, order_row, place, planned
from tests.registry.registrations import JAN, join
from trustsvc.orders.platform_status import PlatformStatus

pytestmark = pytest.mark.both_databases

HOUR = timedelta(hours=1)


@pytest.fixture
def shop(app):
    rate_limits.reset()
    return sample_orders.shop("registered")


def news(shop, **what):
    what = {"modified_at": NOON} | what
    order_id = place(shop, NOON + HOUR, identity="one", email=JAN, created_at=NOON, **what)
    planned(NOON + HOUR)
    return order_id


def test_who_registers_after_the_order_is_asked_when_the_shop_tells_more_of_it(client, shop):
    order = invited(shop, identity="one", email=JAN)
    assert (invitation_of(order), order_row(order).email) == (None, None)
    join(client, shop)

    news(shop, shipped_at=NOON + HOUR)

    assert invitation_of(order).state == "open"
    assert order_row(order).email == JAN


def test_of_who_did_not_register_the_news_is_forgotten_again(client, shop):
    order = invited(shop, identity="one", email=JAN)

    news(shop, shipped_at=NOON + HOUR)

    row = order_row(order)
    assert invitation_of(order) is None
    assert (row.email, row.name, row.buyer_pseudonym, row.reference) == (None, None, None, None)


@pytest.mark.parametrize("fields", [{}, {"platform_status": PlatformStatus.CANCELLED}])
def test_a_repetition_or_an_end_brings_nobody_back(client, shop, fields):
    order = invited(shop, identity="one", email=JAN)
    join(client, shop)

    news(shop, **fields)

    assert (invitation_of(order), order_row(order).email) == (None, None)


def test_who_was_asked_and_forgotten_does_not_come_back(client, shop):
    join(client, shop)
    order = invited(shop, identity="one", email=JAN)
    from trustsvc.invitations import redeem
    from trustsvc.storage import db

    with db.transaction() as session:
        redeem.withdraw(session, [order], "stop", NOON)

    news(shop, shipped_at=NOON + HOUR)

    assert order_row(order).email is None
    assert invitation_of(order).state == "withdrawn"
