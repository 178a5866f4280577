import pytest
from sqlalchemy import select

from tests.invitations.sample_orders import NOON, shop
from trustsvc.errors import Unavailable
from trustsvc.registry.check import RegistryQuery, statuses
from trustsvc.registry.models import opt_outs
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP

pytestmark = pytest.mark.both_databases

JAN = "jan@mail.example"


def is_out():
    with db.reading() as session:
        return statuses(session, [RegistryQuery(1, JAN)])[0].opted_out


def test_it_is_written_outside_the_database_once_and_without_the_address(installation):
    for _ in range(2):
        with db.transaction() as session:
            opt_out(session, JAN, EVERY_SHOP, "objection", NOON)

    (line,) = suppression_journal.read().lines
    assert (line.kind, line.shop_id, line.reason, line.at) == ("opt_out", 0, "objection", NOON)
    assert b"jan@mail" not in suppression_journal.path().read_bytes()


def test_at_an_endpoint_that_takes_an_address_the_disk_is_waited_for_each_time(
    installation, client
):
    made = shop()
    for number in range(2):
        client.post(f"/object/{made.slug}", data={"email": JAN})
        assert len(suppression_journal.read().lines) == number + 1

    with db.reading() as session:
        assert len(session.execute(select(opt_outs)).all()) == 1


def test_it_is_outside_before_it_is_committed(installation):
    def broken():
        with db.transaction() as session:
            opt_out(session, JAN, EVERY_SHOP, "stop", NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert len(suppression_journal.read().lines) == 1
    assert not is_out()


def test_one_that_cannot_be_written_outside_is_not_written_at_all(installation):
    suppression_journal.path().mkdir(parents=True)

    with pytest.raises(Unavailable), db.transaction() as session:
        opt_out(session, JAN, EVERY_SHOP, "stop", NOON)

    assert not is_out()


def test_a_known_one_is_noted_again_where_no_time_may_tell_it(installation):
    with db.transaction() as session:
        first = opt_out(session, JAN, 1, "stop", NOON)
        again = opt_out(session, JAN, 1, "erasure", NOON, journal_again=True)

    assert (first, again) == (True, False)
    assert [line.reason for line in suppression_journal.read().lines] == ["stop", "erasure"]
