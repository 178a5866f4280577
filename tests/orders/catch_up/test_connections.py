"""One runner a shop, one row a shop, and no credentials where none should be."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from tests.key_rotation import add_key, drop_oldest
from tests.orders.catch_up.platform_api import KEY, SECRET
from trustsvc import clock, config
from trustsvc.errors import NotFound, Refused
from trustsvc.orders.catch_up import connections
from trustsvc.orders.catch_up.connections import RunOutcome
from trustsvc.orders.catch_up.models import api_connections
from trustsvc.orders.privacy_requests import PrivacyRequest, enqueue
from trustsvc.privacy.keys import re_encrypt
from trustsvc.privacy.retention import purge
from trustsvc.privacy.rights.answer_requests import answer_next
from trustsvc.shops.models import shops
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

MINUTE = timedelta(minutes=1)


def lease(shop_id=None, at=None):
    with db.transaction() as session:
        return connections.lease_next(session, at or clock.now(), shop_id)


def held():
    with db.reading() as session:
        return session.execute(select(api_connections)).all()


def test_one_of_two_runners_gets_a_shop(connected):
    connected("woocommerce")
    got, start = [], threading.Barrier(4)

    def run():
        start.wait()
        got.append(lease())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(one is not None for one in got) == 1


def test_two_runners_get_two_shops(connected):
    first, second = connected("woocommerce"), connected("shopify")

    assert {lease().shop.id, lease().shop.id} == {first.id, second.id}
    assert lease() is None


def test_a_runner_that_came_too_late_stores_nothing(connected):
    shop = connected("woocommerce")
    late = lease()
    with clock.at(clock.now() + 6 * MINUTE):
        assert lease() is not None
        with db.transaction() as session:
            assert not connections.record_page(session, late, clock.now(), clock.now())
            connections.finish(session, late, RunOutcome(is_complete=True), clock.now())

    assert shop.row.lease != late.token
    assert shop.row.last_run_at is None


def test_a_lease_of_a_clock_that_was_ahead_ends(connected):
    connected("woocommerce")
    assert lease(at=clock.now() + timedelta(days=3000), shop_id=None) is not None

    assert lease() is not None


def test_a_run_of_a_clock_that_was_ahead_does_not_put_the_next_one_off(connected):
    shop = connected("woocommerce")
    with clock.at(clock.now() + timedelta(days=3000)):
        shop.run()

    assert lease() is not None


def test_other_credentials_go_on_where_the_first_ended(connected):
    shop = connected("woocommerce")
    shop.api.place(clock.now() - 5 * MINUTE)
    shop.run()
    shop.api.faults = ["401"]
    shop.run()
    before = shop.state

    shop.connect(KEY, "cs_another")

    assert before.problem
    assert shop.state.problem is None
    assert shop.state.seen_until == before.seen_until
    assert len(held()) == 1


def test_credentials_that_are_replaced_stop_the_runner_of_the_old_ones(connected):
    shop = connected("woocommerce")
    shop.api.place(clock.now() - 5 * MINUTE)
    shop.api.before_page = lambda *_: shop.connect(KEY, SECRET)

    outcome, _ = shop.run()

    assert (outcome.is_complete, shop.stored()) == (False, 0)


def test_a_shop_that_is_disconnected_or_closed_is_asked_no_more(connected):
    shop, other = connected("woocommerce"), connected("woocommerce")
    with db.transaction() as session:
        connections.disconnect(session, shop.id)
        session.execute(update(shops).where(shops.c.id == other.id).values(closed_at=clock.now()))

    assert lease() is None
    with pytest.raises(NotFound), db.transaction() as session:
        connections.disconnect(session, shop.id)
    with pytest.raises(Refused):
        other.connect()


def test_closing_a_shop_deletes_its_credentials(connected):
    shop = connected("woocommerce")
    assert purge.purge_due(clock.now()) == {}
    with db.transaction() as session:
        session.execute(update(shops).where(shops.c.id == shop.id).values(closed_at=clock.now()))

    assert purge.purge_due(clock.now() + MINUTE) == {"api_credentials": 1}
    assert held() == []


def test_a_shop_that_left_its_platform_leaves_no_credentials(connected):
    """Shopify's shop/redact: else its orders would be fetched again."""
    shop = connected("shopify")
    with db.transaction() as session:
        enqueue(session, PrivacyRequest("erase_shop", shop.id, "en"), clock.now())

    assert answer_next(db.transaction, clock.now)
    assert held() == []


def test_credentials_lie_encrypted_and_are_re_encrypted_with_the_rest(connected):
    shop = connected("woocommerce")
    with db.engine().connect() as connection:
        raw = connection.execute(text("SELECT * FROM api_connections")).one()
    assert KEY not in repr(raw)
    assert SECRET not in repr(raw)
    assert KEY.encode() not in b"".join(bytes(x) for x in raw if isinstance(x, bytes | memoryview))

    add_key(config.current(), "vault")
    list(re_encrypt.re_encrypt_all())
    drop_oldest(config.current(), "vault")

    assert (shop.row.api_key, shop.row.api_secret) == (KEY, SECRET)


def test_nothing_here_shows_a_secret_when_it_is_printed(connected):
    connected("woocommerce")
    found = lease()

    assert SECRET not in repr(found) + repr(found.credentials) + repr(held()[0].shop_id)
