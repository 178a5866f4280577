import pytest
from sqlalchemy import func, select

from jobs.check_orders import check_orders
from tests.invitations.sample_orders import NOON, invitation_of, place, quiet, shop
from trustsvc import clock
from trustsvc.orders.models import orders
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def test_everything_that_was_received_is_decided_on(installation):
    at_shop = shop()
    order_id = place(at_shop)
    place(at_shop, email="piet@mail.example")

    with clock.at(NOON), quiet():
        check_orders()
        check_orders()

    assert invitation_of(order_id).state == "open"
    with db.reading() as session:
        waits = select(func.count()).select_from(orders).where(orders.c.state == "received")
        assert session.scalar(waits) == 0


def test_nothing_to_do_is_no_harm(installation):
    check_orders()
