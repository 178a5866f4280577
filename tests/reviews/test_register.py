"""The thank-you page offers to register: one button, and still a message that confirms it."""

import pytest
from sqlalchemy import update

from tests.invitations.sample_orders import quiet
from tests.registry.registrations import confirm, entries, pending, posted
from tests.reviews.sample_reviews import invitation, order, shop
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.invitations.models import invitations
from trustsvc.reviews import lookup, moderate, withdraw
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

FORM = {"stars": "4", "name": "Ada L.", "consent": "no"}


@pytest.fixture
def link(client):
    """The path of a link with which a review was written."""
    made = shop()
    path = f"/r/{signed_links.token('review', invitation(made, order(made))[1])}"
    client.post(path, data=FORM)
    return path


def press(client, link):
    with quiet():
        return client.post(f"{link}/register")


def test_one_button_sends_the_message_and_only_its_link_registers(client, link):
    page = client.get(link).text
    assert f'action="{link}/register"' in page
    assert "buyer@mail.example" not in page

    answer = press(client, link)

    assert answer.status_code == 200
    assert "buyer@mail.example" not in answer.text
    assert [row.source for row in pending()] == ["review"]
    assert entries() == []
    (message,) = posted()
    assert message.to_address == "buyer@mail.example"
    confirm(client, message)
    assert [entry.source for entry in entries()] == ["review"]


def test_looking_sends_no_message(client, link):
    assert client.get(f"{link}/register").status_code == 405
    assert (pending(), posted()) == ([], [])


def test_who_was_asked_because_of_being_registered_is_not_offered_it_again(client, link):
    with db.transaction() as session:
        session.execute(update(invitations).values(basis="registered 2026-01-01"))

    assert "/register" not in client.get(link).text


def test_a_withdrawn_review_has_no_address_left_to_write_to(client, link):
    with db.reading() as session:
        (written,) = lookup.list_reviews(session)
    with db.transaction() as session:
        withdraw.withdraw(session, written.id, clock.now())

    assert press(client, link).status_code == 410
    assert "/register" not in client.get(link).text


def test_a_rejected_review_is_no_moment_to_ask(client, link):
    with db.reading() as session:
        (written,) = lookup.list_reviews(session)
    with db.transaction() as session:
        moderate.reject(session, written.id, "spam", "staff 1", clock.now())

    assert "/register" not in client.get(link).text


def test_a_link_without_a_review_registers_nobody(client):
    made = shop()
    path = f"/r/{signed_links.token('review', invitation(made, order(made))[1])}"

    assert press(client, path).status_code == 410
    assert pending() == []
