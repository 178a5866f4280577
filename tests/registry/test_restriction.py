import pytest

from trustsvc.clock import now
from trustsvc.crypto import pseudonyms
from trustsvc.registry.check import RegistryQuery, statuses
from trustsvc.registry.restriction import lift, restrict
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def restricted(*questions):
    with db.reading() as session:
        return [one.restricted for one in statuses(session, [RegistryQuery(*q) for q in questions])]


def test_a_restriction_holds_at_its_shop_however_the_address_is_spelled(installation):
    marks = pseudonyms.shop_pseudonyms(1, "jan@mail.example")
    with db.transaction() as session:
        restrict(session, marks, 1, now())
        restrict(session, marks, 1, now())

    assert restricted(
        (1, "JAN@mail.example"), (2, "jan@mail.example"), (1, "piet@mail.example")
    ) == [
        True,
        False,
        False,
    ]


def test_one_by_the_registrys_pseudonym_holds_at_every_shop_until_it_is_lifted(installation):
    marks = pseudonyms.registry_pseudonyms("jan@mail.example")
    with db.transaction() as session:
        restrict(session, marks, 0, now())
    before = restricted((1, "jan@mail.example"), (7, "jan@mail.example"))
    with db.transaction() as session:
        assert [lift(session, marks, now()), lift(session, marks, now())] == [1, 0]

    assert (before, restricted((7, "jan@mail.example"))) == ([True, True], [False])


def test_nobody_is_restricted_by_no_pseudonym(installation):
    with db.transaction() as session:
        restrict(session, [], 1, now())

    assert restricted((1, "jan@mail.example")) == [False]
