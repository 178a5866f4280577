import pytest

from jobs.record_notice_versions import record_notice_versions
from tests.reviews.sample_reviews import shop
from trustsvc.privacy.documents import notice_history
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def test_the_tick_writes_down_which_notice_is_in_force(installation):
    at_shop = shop()

    record_notice_versions()
    record_notice_versions()

    with db.reading() as session:
        assert [one.version for one in notice_history.history(session, at_shop.id, "fr")] == [1]
