"""A person takes it back that they must not be asked."""

import re

import pytest
from sqlalchemy import select

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.privacy.models import request_log
from trustsvc.privacy.rights import erasure, people
from trustsvc.registry.check import RegistryQuery, statuses
from trustsvc.registry.models import opt_outs
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def shop(client):
    return sample_orders.shop()


def stopped(shop_id, reason="objection", address=my_data_pages.JAN):
    with quiet(), db.transaction() as session:
        opt_out(session, address, shop_id, reason, NOON)


def is_out(shop):
    with db.reading() as session:
        return statuses(session, [RegistryQuery(shop.id, my_data_pages.JAN)])[0].opted_out


def mailed_path():
    """Open what came last by the link in it."""
    message = my_data_pages.mailed()[-1]
    assert message.to_address == my_data_pages.JAN
    return re.search(r"^http://[^/]+(/me/\S+)$", message.text, re.MULTILINE)[1]


def asked_for(client):
    with quiet():
        client.post("/me", data={"email": my_data_pages.JAN})
    my_data_pages.answered()
    return mailed_path()


def press(client, path, **form):
    with quiet():
        return client.post(f"{path}/again", data=form)


@pytest.mark.parametrize("reason", ["objection", "undeliverable", "complaint", "erasure"])
def test_who_was_erased_asks_for_a_link_and_is_asked_again_from_the_next_order(
    client, shop, reason
):
    stopped(shop.id, reason)
    refused = sample_orders.invited(shop)
    path = asked_for(client)
    page = client.get(f"{path}/again").text
    assert is_out(shop)

    done = press(client, path, scope=str(shop.id))
    order_id = sample_orders.invited(shop)

    assert f'value="{shop.id}"' in page
    assert done.status_code == 200
    assert sample_orders.message_of(refused) is None
    assert [message.to_address for message in sample_orders.sent_invitations().messages] == [
        my_data_pages.JAN
    ]
    assert sample_orders.order_row(order_id).email == my_data_pages.JAN


def test_it_is_confirmed_with_a_way_to_object_again_and_noted_once(client, shop):
    stopped(shop.id)
    path = asked_for(client)

    answers = [press(client, path) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert my_data_pages.register()[1:] == [("again", "done", "person")]
    objected = mailed_path()
    with quiet():
        client.post(f"{objected}/object")
    assert is_out(shop)


def test_one_shop_alone_leaves_the_others_and_all_shops_as_they_are(client, shop):
    other = sample_orders.shop(name="The Other Shop")
    for place in (shop.id, other.id, EVERY_SHOP):
        stopped(place)
    path = asked_for(client)

    done = press(client, path, scope=str(shop.id)).text

    assert is_out(shop)
    assert "The Other Shop" in done
    with db.reading() as session:
        assert set(session.scalars(select(opt_outs.c.shop_id))) == {other.id, EVERY_SHOP}
    press(client, path, scope="0")
    assert (is_out(shop), is_out(other)) == (False, True)


def test_an_older_link_of_a_message_reaches_its_own_shop_only(client, shop):
    order_id = sample_orders.invited(shop)
    other = sample_orders.shop(name="The Other Shop")
    stopped(other.id)
    my_data_pages.post(client, order_id, "object")

    page = client.get(my_data_pages.path(order_id, "again")).text
    my_data_pages.post(client, order_id, "again", scope=str(other.id))
    assert (is_out(shop), is_out(other)) == (True, True)
    my_data_pages.post(client, order_id, "again")

    assert "The Other Shop" not in page
    assert (is_out(shop), is_out(other)) == (False, True)


def test_opening_the_page_changes_nothing(client, shop):
    stopped(shop.id)
    path = asked_for(client)

    for method in ("get", "head"):
        assert getattr(client, method)(f"{path}/again").status_code == 200
        assert getattr(client, method)(path).status_code == 200

    assert is_out(shop)


def test_nobody_is_registered_by_it(client):
    shop = sample_orders.shop("registered")
    stopped(EVERY_SHOP, "stop")

    press(client, asked_for(client))

    with db.reading() as session:
        answer = statuses(session, [RegistryQuery(shop.id, my_data_pages.JAN)])[0]
    assert (answer.opted_out, answer.registered) == (False, False)


def test_who_was_erased_everywhere_may_be_asked_again_and_stays_erased(client, shop):
    order_id = sample_orders.invited(shop)
    with quiet(), db.transaction() as session:
        person = people.by_address(session, my_data_pages.JAN)
        erasure.erase(session, person, erasure.ErasureOptions(), NOON)
    my_data_pages.mailed()

    press(client, asked_for(client))

    assert not is_out(shop)
    assert sample_orders.order_row(order_id).email is None


def test_one_that_was_rolled_back_is_not_in_the_file(client, shop):
    from trustsvc.registry.opt_out import remove_opt_outs

    stopped(shop.id)
    with db.reading() as session:
        marks = session.scalars(select(opt_outs.c.pseudonym)).all()

    def broken():
        with db.transaction() as session:
            assert remove_opt_outs(session, {shop.id: marks}, NOON) == {shop.id}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert [line.kind for line in suppression_journal.read().lines] == ["opt_out"]
    with db.transaction() as session:
        assert remove_opt_outs(session, {shop.id: marks}, NOON) == {shop.id}
        assert remove_opt_outs(session, {shop.id: marks, EVERY_SHOP: []}, NOON) == set()
    assert [line.kind for line in suppression_journal.read().lines] == ["opt_out", "opt_in_again"]


def test_the_register_says_at_which_shop(client, shop):
    stopped(shop.id)
    stopped(EVERY_SHOP)

    press(client, asked_for(client))

    with db.reading() as session:
        rows = session.execute(select(request_log.c.shop_id).where(request_log.c.kind == "again"))
        assert sorted(rows.scalars()) == [EVERY_SHOP, shop.id]
