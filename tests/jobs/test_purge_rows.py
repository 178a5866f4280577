from datetime import timedelta

import pytest

from jobs.purge_rows import purge_rows
from tests.reviews.sample_reviews import invitation, order, shop
from trustsvc import clock
from trustsvc.orders import buyer
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def _known(order_id):
    with db.reading() as session:
        return bool(buyer.read(session, [order_id]))


def test_the_tick_lets_go_of_what_is_over_and_of_nothing_else(installation, capfd):
    where = shop()
    asked, never = order(where), order(where)
    invitation(where, asked)

    purge_rows()
    assert (_known(asked), _known(never)) == (True, False)

    with clock.at(clock.now() + timedelta(days=90, minutes=1)):
        purge_rows()
        purge_rows()

    assert not _known(asked)
    assert "buyer@mail.example" not in capfd.readouterr().err
