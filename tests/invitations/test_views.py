import pytest
from sqlalchemy import select

from tests.invitations.sample_orders import (
    NOON,
    invitation_of,
    invited,
    message_of,
    order_row,
    place,
    planned,
    sent,
    shop,
)
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.orders import buyer
from trustsvc.registry import registration
from trustsvc.registry.models import opt_outs, registered_buyers
from trustsvc.storage import db
from trustsvc.storage.columns import metadata

pytestmark = pytest.mark.slow


def path(order_id, purpose="stop"):
    return f"/u/{signed_links.token(purpose, invitation_of(order_id).link)}"


def out():
    with db.reading() as session:
        return sorted(row.shop_id for row in session.execute(select(opt_outs)))


def everything():
    with db.reading() as session:
        return {
            name: [tuple(row) for row in session.execute(select(table))]
            for name, table in metadata.tables.items()
        }


@pytest.fixture
def asked(installation):
    at_shop = shop()
    return at_shop, invited(at_shop)


def test_looking_changes_nothing_whoever_looks_and_however_often(asked, client):
    _, order_id = asked
    before = everything()

    for _ in range(3):
        page = client.get(path(order_id), headers={"Purpose": "prefetch"})
        client.head(path(order_id))
        client.options(path(order_id))

    assert page.status_code == 200
    assert b"<button" in page.data
    assert before == everything()


def test_the_page_is_in_the_buyers_language_uncached_and_gives_no_cookie(asked, client):
    _, order_id = asked

    page = client.get(path(order_id))

    assert "Stop uitnodigingen van Bakfiets &amp; Co" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in page.headers


BODIES = {
    "one click, as a form": {"data": {"List-Unsubscribe": "One-Click"}},
    "one click, as multipart": {
        "data": {"List-Unsubscribe": "One-Click"},
        "content_type": "multipart/form-data",
    },
    "our button": {"data": {"scope": "shop"}},
    "nothing": {},
    "bad bytes": {
        "data": b"\xff\xfe=%zz&scope=%ff",
        "content_type": "application/x-www-form-urlencoded",
    },
    "broken multipart": {"data": b"--x", "content_type": "multipart/form-data; boundary=y"},
    "json": {"data": b"{", "content_type": "application/json"},
}


@pytest.mark.parametrize("body", BODIES)
def test_one_post_stops_this_shop_and_the_second_says_the_same(asked, client, body):
    at_shop, order_id = asked

    first = client.post(path(order_id), **BODIES[body])
    second = client.post(path(order_id), **BODIES[body])

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.data == second.data
    assert "Set-Cookie" not in first.headers
    assert out() == [at_shop.id]
    assert (invitation_of(order_id).state, invitation_of(order_id).reason) == ("withdrawn", "stop")
    assert message_of(order_id).state == "dropped"
    assert (order_row(order_id).email, order_row(order_id).name) == (None, None)
    assert sent().messages == []


def test_a_later_order_at_this_shop_asks_nothing_and_another_shop_may(asked, client):
    at_shop, order_id = asked
    client.post(path(order_id))

    again, elsewhere = invited(at_shop), invited(shop())

    assert invitation_of(again) is None
    assert invitation_of(elsewhere).state == "open"


def test_stopping_everywhere_stops_messages_of_other_shops_that_wait(asked, client):
    at_shop, order_id = asked
    elsewhere = invited(shop())

    page = client.post(path(order_id), data={"scope": "all"})

    assert "alle andere winkels" in page.text
    assert out() == [0, at_shop.id]
    assert sent().messages == []
    assert message_of(elsewhere).reason == "opted_out"


def test_all_that_is_open_for_this_buyer_at_this_shop_stops_but_not_of_others(installation, client):
    at_shop = shop(cap_days=0)
    first = invited(at_shop)
    sent()
    with clock.at(NOON):
        second = invited(at_shop)
        stranger = invited(at_shop, email="other@mail.example")
        unplanned = place(at_shop)

    client.post(path(first))
    planned()

    assert invitation_of(second).state == "withdrawn"
    assert invitation_of(unplanned) is None
    assert invitation_of(stranger).state == "open"
    assert order_row(stranger).email == "other@mail.example"


def test_it_still_works_when_the_address_is_forgotten(asked, client):
    at_shop, order_id = asked
    with db.transaction() as session:
        buyer.erase(session, [order_id])

    offered = client.get(path(order_id))
    page = client.post(path(order_id), data={"scope": "all"})

    assert "alle winkels" not in offered.text
    assert page.status_code == 200
    assert "alle andere winkels" not in page.text
    assert out() == [at_shop.id]
    assert invitation_of(invited(at_shop)) is None


@pytest.mark.parametrize("purpose", ["review", "me", "staff"])
def test_a_link_of_another_purpose_stops_nothing(asked, client, purpose):
    _, order_id = asked

    assert client.get(path(order_id, purpose)).status_code == 404
    assert client.post(path(order_id, purpose)).status_code == 404
    assert out() == []


@pytest.mark.parametrize("token", ["x", "x.y", "%00", "..", "\u202e", "A" * 5000])
def test_a_link_we_did_not_make_opens_nothing(installation, client, token):
    answer = client.post(f"/u/{token}")

    assert answer.status_code == 404
    assert token not in answer.text or len(token) < 3


def test_a_link_of_an_invitation_that_is_gone_opens_nothing(installation, client):
    assert client.get(f"/u/{signed_links.token('stop', signed_links.new_id())}").status_code == 404


def test_a_hostile_shop_name_stays_text(installation, client):
    order_id = invited(shop(name="<script>alert(1)</script>\u202e{shop}"))

    page = client.get(path(order_id))

    assert "<script" not in page.text
    assert client.post(path(order_id)).status_code == 200


def test_stopping_everywhere_takes_a_registration_back_as_well(asked, client):
    _, order_id = asked
    with db.transaction() as session:
        registration.register(session, "jan@mail.example", "v1", "page", NOON)

    client.post(path(order_id), data={"scope": "all"})

    with db.reading() as session:
        assert session.execute(select(registered_buyers)).all() == []
