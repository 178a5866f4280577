from datetime import timedelta

import pytest

from tests.invitations.sample_orders import NOON, order_row, place, shop
from trustsvc.crypto import pseudonyms
from trustsvc.orders import undecided
from trustsvc.registry.registration import register
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def taken(most=500):
    with db.transaction() as session:
        return undecided.lock_received(session, most)


def test_received_orders_are_taken_oldest_first_with_the_answer_on_their_buyers(installation):
    at_shop = shop()
    first = place(at_shop, email="jan@mail.example")
    second = place(at_shop, email="piet@mail.example")
    with db.transaction() as session:
        register(session, "piet@mail.example", "v1", "page", NOON)

    assert [(one.id, one.registered) for one in taken()] == [(first, False), (second, True)]
    assert [one.id for one in taken(most=1)] == [first]


def test_taking_settles_nothing(installation):
    order_id = place(shop())

    taken()

    assert order_row(order_id).state == "received"
    assert len(taken()) == 1


def test_only_received_orders_are_taken_and_settled(installation):
    at_shop = shop()
    one, other = place(at_shop), place(at_shop)
    with db.transaction() as session:
        undecided.mark_decided(session, [one])
        undecided.wait(session, {one: None})

    assert [found.id for found in taken()] == [other]
    assert order_row(one).state == "settled"


def test_an_order_carries_the_pseudonyms_of_its_buyer_and_not_the_address(installation):
    at_shop = shop()
    place(at_shop, email="Jan@mail.example")

    (one,) = taken()

    assert one.pseudonyms == frozenset([pseudonyms.shop_pseudonym(at_shop.id, "jan@mail.example")])
    assert "mail.example" not in repr(one)


def test_letting_go_leaves_nothing_of_the_buyer_and_twice_does_no_harm(installation):
    order_id = place(shop(), shipped_at=NOON - timedelta(days=1))
    with db.transaction() as session:
        undecided.erase_buyers(session, [order_id], accepts_buyer=False)
        undecided.erase_buyers(session, [order_id], accepts_buyer=False)

    row = order_row(order_id)
    assert (row.email, row.name, row.reference, row.locale, row.buyer_pseudonym) == (None,) * 5
    (one,) = taken()
    assert one.pseudonyms == frozenset()
