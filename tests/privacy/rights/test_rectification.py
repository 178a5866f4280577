from datetime import timedelta

import pytest

from tests.invitations import setup
from tests.invitations.setup import NOON, quiet
from tests.privacy.rights import scene
from trustsvc import clock
from trustsvc.privacy.rights import rectification
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def test_the_name_in_messages_is_corrected_and_confirmed(client):
    order_id = setup.invited(setup.shop())

    answer = scene.post(client, order_id, "correct", name="Jan Janssen")

    assert answer.status_code == 200
    assert setup.order_row(order_id).name == "Jan Janssen"
    assert [letter.to_name for letter in setup.sent().letters] == ["Jan Janssen"]
    assert [letter.to_address for letter in scene.mailed()] == [scene.JAN]
    assert scene.register() == [("correct", "done", "person")]


def test_name_and_city_of_a_review_are_corrected_and_read_again_before_they_are_shown(client):
    order_id = scene.reviewed(setup.shop())

    scene.post(client, order_id, "correct", name="Jan J.", shown_name="J. Jansen", city="")

    review = scene.review()
    assert (review.name, review.city, review.text) == ("J. Jansen", "", scene.TEXT)
    assert review.state == "pending"
    assert scene.published() == []


def test_what_is_left_as_it_is_changes_nothing(client):
    order_id = scene.reviewed(setup.shop())

    scene.post(client, order_id, "correct", shown_name="Jan J.", city="Delft")

    assert len(scene.published()) == 1
    assert scene.register() == []
    assert scene.mailed() == []


@pytest.mark.parametrize(
    "name", ["https://spam.example", "www.spam.example", "x" * 81, "=?utf-8?q?x?="]
)
def test_what_is_no_name_is_refused(client, name):
    order_id = setup.invited(setup.shop())

    assert scene.post(client, order_id, "correct", name=name).status_code in {400, 422}
    assert setup.order_row(order_id).name == "Jan Jansen"


def test_staff_move_a_person_to_another_address_and_both_are_notified(house):
    shop = setup.shop()
    order_id = setup.invited(shop)

    with quiet(), db.transaction() as session:
        rectification.correct_address(
            session, scene.person(), "new@example.com", NOON, "command line"
        )

    assert setup.order_row(order_id).email == "new@example.com"
    assert sorted(letter.to_address for letter in scene.mailed()) == [scene.JAN, "new@example.com"]
    assert scene.person(address="new@example.com").orders == {order_id}
    assert scene.person().orders == set()


def test_the_person_cannot_move_to_another_address_by_the_link(client):
    order_id = setup.invited(setup.shop())

    scene.post(client, order_id, "correct", email="thief@example.com", address="thief@example.com")

    assert setup.order_row(order_id).email == scene.JAN


def test_a_restriction_moves_along_with_the_address(client):
    shop = setup.shop()
    order_id = setup.invited(shop)
    scene.post(client, order_id, "restrict")
    with quiet(), db.transaction() as session:
        rectification.correct_address(
            session, scene.person(), "new@example.com", NOON, "command line"
        )

    other = setup.invited(setup.shop(name="Other"), email="new@example.com")
    again = setup.place(shop, email="new@example.com")
    setup.planned()

    assert setup.order_row(again).state == "waiting"
    assert [letter.to_address for letter in setup.sent().letters] == ["new@example.com"]
    assert setup.letter_of(other).state == "sent"
    scene.post(client, order_id, "lift")
    assert len(setup.sent(now=NOON + timedelta(minutes=5)).letters) == 1
    assert setup.letter_of(order_id).state == "sent"
