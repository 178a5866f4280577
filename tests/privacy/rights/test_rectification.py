from datetime import timedelta

import pytest

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.privacy.rights import rectification
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def test_the_name_in_messages_is_corrected_and_confirmed(client):
    order_id = sample_orders.invited(sample_orders.shop())

    answer = my_data_pages.post(client, order_id, "correct", name="Jan Janssen")

    assert answer.status_code == 200
    assert sample_orders.order_row(order_id).name == "Jan Janssen"
    assert [message.to_name for message in sample_orders.sent_invitations().messages] == [
        "Jan Janssen"
    ]
    assert [message.to_address for message in my_data_pages.mailed()] == [my_data_pages.JAN]
    assert my_data_pages.register() == [("correct", "done", "person")]


def test_name_and_city_of_a_review_are_corrected_and_read_again_before_they_are_shown(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())

    my_data_pages.post(client, order_id, "correct", name="Jan J.", shown_name="J. Jansen", city="")

    review = my_data_pages.review()
    assert (review.name, review.city, review.text) == ("J. Jansen", "", my_data_pages.TEXT)
    assert review.state == "pending"
    assert my_data_pages.published() == []


def test_what_is_left_as_it_is_changes_nothing(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())

    same = {"shown_name": "Jan J.", "city": my_data_pages.CITY}
    my_data_pages.post(client, order_id, "correct", **same)

    assert len(my_data_pages.published()) == 1
    assert my_data_pages.register() == []
    assert my_data_pages.mailed() == []


@pytest.mark.parametrize(
    "name", ["https://spam.example", "www.spam.example", "x" * 81, "=?utf-8?q?x?="]
)
def test_what_is_no_name_is_refused(client, name):
    order_id = sample_orders.invited(sample_orders.shop())

    assert my_data_pages.post(client, order_id, "correct", name=name).status_code in {400, 422}
    assert sample_orders.order_row(order_id).name == "Jan Jansen"


def test_staff_move_a_person_to_another_address_and_both_are_notified(installation):
    shop = sample_orders.shop()
    order_id = sample_orders.invited(shop)

    with quiet(), db.transaction() as session:
        rectification.correct_address(
            session, my_data_pages.person(), "new@mail.example", NOON, "command line"
        )

    assert sample_orders.order_row(order_id).email == "new@mail.example"
    assert sorted(message.to_address for message in my_data_pages.mailed()) == [
        my_data_pages.JAN,
        "new@mail.example",
    ]
    assert my_data_pages.person(address="new@mail.example").orders == {order_id}
    assert my_data_pages.person().orders == set()


def test_the_person_cannot_move_to_another_address_by_the_link(client):
    order_id = sample_orders.invited(sample_orders.shop())

    my_data_pages.post(
        client, order_id, "correct", email="thief@mail.example", address="thief@mail.example"
    )

    assert sample_orders.order_row(order_id).email == my_data_pages.JAN


def test_a_restriction_moves_along_with_the_address(client):
    shop = sample_orders.shop()
    order_id = sample_orders.invited(shop)
    my_data_pages.post(client, order_id, "restrict")
    with quiet(), db.transaction() as session:
        rectification.correct_address(
            session, my_data_pages.person(), "new@mail.example", NOON, "command line"
        )

    other = sample_orders.invited(sample_orders.shop(name="Other"), email="new@mail.example")
    again = sample_orders.place(shop, email="new@mail.example")
    sample_orders.planned()

    assert sample_orders.order_row(again).state == "waiting"
    assert [message.to_address for message in sample_orders.sent_invitations().messages] == [
        "new@mail.example"
    ]
    assert sample_orders.message_of(other).state == "sent"
    my_data_pages.post(client, order_id, "lift")
    assert len(sample_orders.sent_invitations(now=NOON + timedelta(minutes=5)).messages) == 1
    assert sample_orders.message_of(order_id).state == "sent"
