from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from trustsvc import clock
from trustsvc.errors import NotFound, Refused
from trustsvc.shops import enrol, secret_rotation
from trustsvc.shops.models import shops
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


@pytest.fixture
def shop(installation):
    with db.transaction() as session:
        return enrol.enrol(session, enrol.Enrolment("Shop", "s.example", "standard"), clock.now())


def turn(given="", now=None, *, revoke=False, slug="shop"):
    with db.transaction() as session:
        return secret_rotation.rotate_secret(
            session, slug, given, now or clock.now(), revoke=revoke
        )


def secrets():
    with db.reading() as session:
        return tuple(session.execute(select(shops.c.secret, shops.c.old_secret)).one())


def test_the_old_secret_is_kept_beside_the_new_one(shop):
    new = turn()

    assert new.startswith("whsec_")
    assert secrets() == (new, shop[1])


def test_a_second_rotation_within_a_day_is_refused(shop):
    now = clock.now()
    new = turn(now=now)

    with pytest.raises(Refused, match="24 hours"):
        turn(now=now + timedelta(hours=24, milliseconds=-2))
    assert secrets() == (new, shop[1])

    third = turn(now=now + timedelta(hours=24))
    assert secrets() == (third, new)


def test_a_secret_that_leaked_ends_at_once(shop):
    turn()
    new = turn(revoke=True)

    assert secrets() == (new, None)


@pytest.mark.parametrize("given", ["short", " " * 20, "whsec_" + "a" * 15])
def test_a_short_secret_is_refused(shop, given):
    with pytest.raises(Refused, match="16"):
        turn(given)
    assert secrets() == (shop[1], None)


def test_of_two_rotations_at_once_one_is_refused(shop):
    def attempt(_):
        try:
            return turn()
        except Refused:
            return None

    with ThreadPoolExecutor(2) as pool:
        made = [one for one in pool.map(attempt, range(2)) if one]

    assert [secrets()[0]] == made


def test_an_unknown_shop_is_not_found(installation):
    with pytest.raises(NotFound):
        turn(slug="nobody")
