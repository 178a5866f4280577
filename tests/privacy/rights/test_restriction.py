"""Also tests:
trustsvc/orders/restricted_buyers.py
"""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, Post, quiet
from tests.key_rotation import add_key
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.badge import content
from trustsvc.badge.page import profile
from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.invitations.personal_data import restrict_invitations
from trustsvc.orders.models import orders
from trustsvc.privacy.retention import purge
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.confirmation import my_data_link
from trustsvc.privacy.rights.restriction import lift, restrict
from trustsvc.registry import restriction
from trustsvc.reviews import lookup, moderate
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

MINUTE = timedelta(minutes=1)
SOON = NOON + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def counted(shop):
    with db.reading() as session:
        page = profile.read_profile(session, shop.slug, profile.PageRequest(), clock.now())
        return content.published_scores(session, [shop.id])[shop.id].count, page.received


def test_nothing_is_sent_until_it_is_lifted(client):
    order_id = sample_orders.invited(sample_orders.shop())

    my_data_pages.post(client, order_id, "restrict")
    held_back = sample_orders.sent_invitations().messages
    kept = sample_orders.order_row(order_id).email
    my_data_pages.post(client, order_id, "lift")

    assert (held_back, kept) == ([], my_data_pages.JAN)
    assert [
        message.to_address for message in sample_orders.sent_invitations(now=SOON).messages
    ] == [my_data_pages.JAN]
    assert [(kind, by) for kind, _, by in my_data_pages.register()] == [
        ("restrict", "person"),
        ("lift", "person"),
    ]


NEW = "jan@new.example"


@pytest.mark.parametrize("is_everywhere", [False, True])
def test_a_corrected_address_is_written_to_once_and_only_after_the_lift(client, is_everywhere):
    at_shop = sample_orders.shop()
    order_id = sample_orders.invited(at_shop, identity="1", modified_at=NOON - MINUTE)
    if is_everywhere:
        with db.transaction() as session:
            everywhere = pseudonyms.registry_pseudonyms(my_data_pages.JAN)
            restriction.restrict(session, everywhere, EVERY_SHOP, NOON)
            restrict_invitations(session, [order_id])
    else:
        my_data_pages.post(client, order_id, "restrict")
    for minutes, address in enumerate(("jan@other.example", NEW)):
        at = NOON + minutes * MINUTE
        sample_orders.place(at_shop, at, identity="1", email=address, modified_at=at)
        sample_orders.planned(at)
        assert sample_orders.sent_invitations(now=SOON).messages == []
    assert (order_state(order_id), sample_orders.order_row(order_id).email) == ("waiting", NEW)

    my_data_pages.post(client, order_id, "lift")
    sample_orders.planned(SOON)

    sent = sample_orders.sent_invitations(now=SOON).messages
    assert [message.to_address for message in sent] == [NEW]
    sample_orders.planned(SOON + MINUTE)
    assert sample_orders.sent_invitations(now=SOON + MINUTE).messages == []
    row = sample_orders.order_row(order_id)
    assert row.buyer_pseudonym == pseudonyms.shop_pseudonym(at_shop.id, NEW)


def test_a_corrected_order_that_waits_is_not_asked_about_while_it_is_restricted(client):
    at_shop = sample_orders.shop()
    first = sample_orders.invited(at_shop)
    my_data_pages.post(client, first, "restrict")
    order_id = sample_orders.invited(at_shop, identity="1", modified_at=NOON, paid=False)

    later = NOON + MINUTE
    place = {"identity": "1", "email": NEW, "modified_at": later, "paid": True}
    sample_orders.place(at_shop, later, **place)
    sample_orders.planned(later)

    assert order_state(order_id) == "waiting"
    assert sample_orders.invitation_of(order_id) is None
    my_data_pages.post(client, first, "lift")
    sample_orders.planned(SOON)
    assert sample_orders.invitation_of(order_id).state == "open"


def order_state(order_id):
    return sample_orders.order_row(order_id).state


def test_a_message_that_is_being_sent_does_not_leave_and_the_buyer_is_kept(installation):
    order_id = sample_orders.invited(sample_orders.shop())

    def restrict_meanwhile():
        with quiet(), db.transaction() as session:
            restrict(session, my_data_pages.person(order_id), NOON)

    post = sample_orders.sent_invitations(Post(meanwhile=restrict_meanwhile))

    assert post.messages == []
    assert sample_orders.message_of(order_id).reason == "restricted"
    assert sample_orders.order_row(order_id).email == my_data_pages.JAN
    assert sample_orders.invitation_of(order_id).state == "open"


def test_the_lease_itself_reads_the_restriction(installation):
    order_id = sample_orders.invited(sample_orders.shop())
    person = my_data_pages.person(order_id)
    with db.transaction() as session:
        restriction.restrict(session, person.all_pseudonyms, person.shop_ids[0], NOON)

    assert sample_orders.sent_invitations().messages == []
    assert sample_orders.message_of(order_id).reason == "restricted"
    assert sample_orders.order_row(order_id).email == my_data_pages.JAN
    assert ("send", "restricted", "dropped") in sample_orders.decisions_of(order_id)


def test_a_new_order_waits_and_is_decided_on_when_it_is_lifted(client):
    shop = sample_orders.shop(cap_days=0)
    first = sample_orders.invited(shop)
    my_data_pages.post(client, first, "restrict")

    second = sample_orders.invited(shop, email="JAN@mail.example")
    waiting = sample_orders.order_row(second).state
    my_data_pages.post(client, first, "lift")
    sample_orders.planned()

    assert waiting == "waiting"
    assert ("may_ask", "restricted", "wait") in sample_orders.decisions_of(second)
    assert sample_orders.order_row(second).state == "settled"


def test_nothing_is_shown_or_counted_and_the_date_of_publication_comes_back(client):
    shop = sample_orders.shop()
    order_id = my_data_pages.reviewed(shop, now=NOON - timedelta(days=3))
    (before,) = my_data_pages.published()
    assert counted(shop) == (1, 1)

    my_data_pages.post(client, order_id, "restrict")
    assert (my_data_pages.published(), counted(shop)) == ([], (0, 0))
    my_data_pages.post(client, order_id, "lift")

    assert [line.published_at for line in my_data_pages.published()] == [before.published_at]
    assert counted(shop) == (1, 1)


def test_a_restriction_by_staff_hides_the_author_and_not_the_review(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())
    with quiet(), db.transaction() as session:
        restrict(session, my_data_pages.person(order_id), NOON, "command line")

    (line,) = my_data_pages.published()
    assert (line.name, line.city, line.text) == ("", "", my_data_pages.TEXT)

    with quiet(), db.transaction() as session:
        lift(session, my_data_pages.person(order_id), NOON, "command line")
    (line,) = my_data_pages.published()
    assert (line.name, line.city) == ("Jan J.", my_data_pages.CITY)


def test_staff_neither_see_nor_decide_on_a_restricted_review(client):
    order_id = my_data_pages.reviewed(sample_orders.shop(), published=False)
    my_data_pages.post(client, order_id, "restrict")

    with quiet(), db.transaction() as session:
        waiting = lookup.list_reviews(session, state="pending")
        decided = moderate.approve(session, my_data_pages.review().id, "staff 1", NOON)

    assert (waiting, decided) == ([], False)


def test_a_review_written_meanwhile_is_not_shown(client):
    shop = sample_orders.shop()
    order_id = sample_orders.invited(shop)
    sample_orders.sent_invitations()
    my_data_pages.post(client, order_id, "restrict")
    review = f"/r/{signed_links.token('review', my_data_pages.link(order_id))}"
    with quiet():
        client.post(review, data={"stars": "5", "name": "Jan", "consent": "yes"})
        with db.transaction() as session:
            assert not moderate.approve(session, my_data_pages.review().id, "staff 1", NOON)

    assert my_data_pages.review().restricted_at is not None
    assert counted(shop) == (0, 0)


def test_the_purge_leaves_it_alone(client):
    order_id = sample_orders.invited(sample_orders.shop())
    sample_orders.sent_invitations()
    my_data_pages.post(client, order_id, "restrict")

    with quiet():
        purge.purge_due(NOON + timedelta(days=400))

    assert sample_orders.order_row(order_id).email == my_data_pages.JAN


def test_it_is_confirmed_by_message_to_the_known_address(client):
    order_id = sample_orders.invited(sample_orders.shop())

    my_data_pages.post(client, order_id, "restrict")
    my_data_pages.post(client, order_id, "restrict")

    messages = my_data_pages.mailed()
    assert [(message.to_address, message.subject) for message in messages] == [
        (my_data_pages.JAN, "Je gegevens zijn beperkt")
    ]


def test_a_rotated_key_finds_what_was_restricted(client, installation):
    order_id = sample_orders.invited(sample_orders.shop())
    my_data_pages.post(client, order_id, "restrict")
    add_key(installation, "lookup")
    add_key(installation, "registry")

    assert sample_orders.sent_invitations().messages == []
    my_data_pages.post(client, order_id, "lift")
    assert len(sample_orders.sent_invitations(now=SOON).messages) == 1


def test_other_buyers_are_not_held_back(client):
    shop = sample_orders.shop()
    order_id = sample_orders.invited(shop)
    sample_orders.invited(shop, email="piet@mail.example")
    my_data_pages.post(client, order_id, "restrict")

    assert [message.to_address for message in sample_orders.sent_invitations().messages] == [
        "piet@mail.example"
    ]
    with db.reading() as session:
        assert len(session.scalars(select(orders.c.id)).all()) == 2


def test_a_restriction_at_all_shops_is_seen_and_lifted_by_a_messages_link_too(client):
    shop = sample_orders.shop()
    order_id = sample_orders.invited(shop)
    with quiet(), db.transaction() as session:
        restrict(session, my_data_pages.person(), NOON)

    assert "beperkt sinds" in client.get(my_data_pages.path(order_id)).text
    my_data_pages.post(client, order_id, "lift")

    assert len(sample_orders.sent_invitations(now=SOON).messages) == 1
    sample_orders.invited(sample_orders.shop(name="Later"), now=SOON)
    assert len(sample_orders.sent_invitations(now=SOON).messages) == 1


def everything(client, deed=""):
    """The page behind a link to everything, or what a button of it answers."""
    with quiet(), db.transaction() as session:
        url = my_data_link(session, people.by_address(session, my_data_pages.JAN), NOON)
    path = f"/me/{url.rpartition('/')[2]}"
    with quiet():
        return (client.post(f"{path}/{deed}") if deed else client.get(path)).text


def offered(page):
    return [name for name in ("restrict", "lift") if f'/{name}"' in page]


def test_one_shop_first_and_then_all_of_them(client):
    first = sample_orders.invited(sample_orders.shop())
    sample_orders.invited(sample_orders.shop(name="Other"))
    before = offered(everything(client))
    my_data_pages.post(client, first, "restrict")
    between = offered(everything(client))
    everything(client, "restrict")

    assert (before, between) == (["restrict"], ["restrict", "lift"])
    assert offered(everything(client)) == ["lift"]
    assert sample_orders.sent_invitations().messages == []
    assert my_data_pages.register() == [("restrict", "done", "person")] * 2
    everything(client, "lift")
    assert len(sample_orders.sent_invitations(now=SOON).messages) == 2


def test_lifted_from_a_message_it_ends_at_shops_that_came_later_too(client):
    order_id = sample_orders.invited(sample_orders.shop())
    with quiet(), db.transaction() as session:
        restrict(session, my_data_pages.person(), NOON)
    later = sample_orders.invited(sample_orders.shop(name="Later"))
    waiting = sample_orders.order_row(later).state

    my_data_pages.post(client, order_id, "lift")
    sample_orders.planned(SOON)

    assert waiting == "waiting"
    assert len(sample_orders.sent_invitations(now=SOON).messages) == 2


def test_twice_at_once_is_one_restriction(installation):
    order_id = sample_orders.invited(sample_orders.shop())
    both = threading.Barrier(2)

    def restrict_meanwhile():
        with clock.at(NOON), quiet(), db.transaction() as session:
            person = people.by_link(session, my_data_pages.link(order_id), NOON)
            if not db.is_sqlite():
                both.wait()
            restrict(session, person, NOON)

    threads = [threading.Thread(target=restrict_meanwhile) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert my_data_pages.register() == [("restrict", "done", "person")]
    assert len(my_data_pages.mailed()) == 1
