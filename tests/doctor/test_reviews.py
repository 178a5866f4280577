from datetime import timedelta

import pytest

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.doctor import reviews
from trustsvc.reviews import lookup
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def found(now):
    with db.reading() as session:
        return reviews.pending(session, now)


def test_none_waits(installation):
    assert (found(NOON).level, found(NOON).detail) == ("OK", "none waits")


def test_one_that_waits_for_a_week_is_warned_of(client):
    shop = sample_orders.shop()
    my_data_pages.reviewed(shop, published=False)
    week = NOON + reviews.DECIDED_WITHIN

    assert found(week).level == "OK"
    assert found(week + timedelta(seconds=1)).level == "WARN"
    with db.reading() as session:
        assert lookup.pending_since(session, shop.id) == NOON
        assert lookup.pending_since(session, shop.id + 1) is None
    page = client.get("/s/bakfiets-co", headers={"Accept-Language": "en"}).text
    assert "Waiting for a decision, the oldest since" in page
