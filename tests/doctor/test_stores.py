from datetime import timedelta

from tests.invitations import sample_orders
from trustsvc.doctor import stores
from trustsvc.storage import db


def findings():
    with db.reading() as session:
        return stores.unreadable_dates(session)


def test_orders_whose_dates_cannot_be_read_are_reported_by_shop(installation):
    at_shop = sample_orders.shop()
    sample_orders.invited(at_shop)
    assert [one.level for one in findings()] == ["OK"]

    later = sample_orders.NOON + timedelta(hours=1)
    sample_orders.invited(
        at_shop, later, email="eva@mail.example", date_unreadable=True, identity="9"
    )

    (found,) = findings()
    assert (found.level, found.detail) == (
        "WARN",
        f"1 orders of {at_shop.slug} wait: a date of theirs cannot be read",
    )
