import pytest

from tests.invitations.sample_orders import NOON, invitation_of, invited, order_row, shop
from trustsvc.invitations import subjects
from trustsvc.orders import buyer
from trustsvc.shops import directory
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def read(*ids):
    with db.reading() as session:
        return subjects.read(session, ids)


def test_each_invitation_comes_with_its_own_order_shop_and_buyer(installation):
    first, second = shop(name="One"), shop(name="Two", zone="Europe/Athens")
    one = invited(first, email="jan@mail.example", name="Jan", consent=True)
    two = invited(second, email="piet@mail.example", name="Piet")
    ids = [invitation_of(order_id).id for order_id in (one, two)]

    found = read(*ids, 4711)

    assert sorted(found) == ids
    assert [(x.order_id, x.shop, x.email, x.name) for x in map(found.get, ids)] == [
        (one, first, "jan@mail.example", "Jan"),
        (two, second, "piet@mail.example", "Piet"),
    ]
    assert [found[one].facts.consent for one in ids] == [True, None]
    stored, subject = invitation_of(one), found[ids[0]]
    for name in ("state", "link", "basis", "language", "zone", "expires_at"):
        assert getattr(subject, name) == getattr(stored, name)
    assert subject.order_state == order_row(one).state
    assert subject.facts.received_at == NOON


def test_an_invitation_whose_buyer_was_erased_has_no_address(installation):
    order_id = invited(shop())
    with db.transaction() as session:
        buyer.erase(session, [order_id])

    (subject,) = read(invitation_of(order_id).id).values()

    assert (subject.email, subject.name) == ("", "")


def test_nothing_personal_stands_in_a_repr(installation):
    order_id = invited(shop(), email="canary@mail.example", name="Canary")

    text = repr(read(invitation_of(order_id).id))

    assert "canary" not in text.lower()


def test_the_shop_is_read_as_the_directory_reads_it(installation):
    made = shop(reminder_days=7, reply_to="service@shop.example")
    order_id = invited(made)

    (subject,) = read(invitation_of(order_id).id).values()

    with db.reading() as session:
        assert subject.shop == directory.by_id(session, made.id)
