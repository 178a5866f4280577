from datetime import timedelta

from click.testing import CliRunner

from tests.invitations import sample_orders
from tests.reviews import sample_reviews
from trustsvc import cli, clock
from trustsvc.doctor import stores
from trustsvc.reviews import star_counts
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


def test_a_score_that_is_not_of_the_published_reviews_fails_until_it_is_counted(installation):
    at_shop = sample_reviews.shop()
    with db.transaction() as session:
        star_counts.change(session, 1, [(at_shop.id, 5, clock.now())])

    with db.reading() as session:
        found = stores.scores(session)
    assert (found.level, found.remedy) == ("FAIL", "trustsvc reviews recount")
    assert CliRunner().invoke(cli.main, ["reviews", "recount"]).output == "1 scores corrected\n"

    with db.reading() as session:
        assert stores.scores(session).level == "OK"
