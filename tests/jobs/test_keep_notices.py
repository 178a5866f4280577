from jobs.keep_notices import keep_notices
from tests.reviews.at_the_desk import shop
from trustsvc import db
from trustsvc.privacy import editions


def test_the_tick_writes_down_which_notice_is_in_force(house):
    at_shop = shop()

    keep_notices()
    keep_notices()

    with db.reading() as session:
        assert [one.version for one in editions.history(session, at_shop.id, "fr")] == [1]
