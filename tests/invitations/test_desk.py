from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    invited,
    order_row,
    place,
    planned,
    quiet,
    sent,
    shop,
)
from tests.staff.signed_in_staff import form_token, sign_in
from trustsvc import clock, config
from trustsvc.invitations.planning import volume_guard
from trustsvc.mail import transport
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import circuit_breaker, relay_rate, send_suspension
from trustsvc.shops.models import shops
from trustsvc.storage import db

UNKNOWN = SendResult(SendStatus.UNKNOWN, "no_answer")
few = pytest.mark.parametrize("installation", [{"TRUSTSVC_HOURLY_MOST": "2"}], indirect=True)


@pytest.fixture
def desk(client):
    sign_in(client)
    return client


def paused_shop(name="Sudden & Co"):
    at_shop = shop(name=name)
    now = clock.now()
    for number in range(3):
        place(at_shop, now, email=f"b{number}@mail.example")
    planned(now)
    return at_shop


def names():
    with db.reading() as session:
        return [one.slug for one in volume_guard.paused_shops(session)]


def test_where_all_is_well_the_page_says_so(desk):
    page = desk.get("/desk/sending").text

    assert "Nothing keeps e-mails from leaving" in page
    assert "0 unknown deliveries" in page
    assert 'href="/desk/sending" aria-current="page"' in page


def test_unknown_deliveries_are_listed_by_shop_order_and_moment_without_an_address(desk):
    doubtful = invited(shop(name="Blue Lamp"))
    fine = invited(shop(name="Red Chair"), email="piet@mail.example")
    sent(Post(UNKNOWN))

    page = desk.get("/desk/sending").text

    assert "1 unknown delivery" in page
    assert order_row(doubtful).reference in page
    assert order_row(fine).reference not in page
    assert "<bdi>Blue Lamp</bdi>" in page
    assert "2026-06-10 12:00" in page
    assert "not sent again automatically" in page
    assert "jan@mail.example" not in page
    assert "Jan Jansen" not in page


@pytest.mark.parametrize("installation", [{"TRUSTSVC_RESEND": "1"}], indirect=True)
def test_the_page_says_whether_such_messages_go_again(desk):
    assert "is sent once more" in desk.get("/desk/sending").text


def test_a_suspension_and_a_mail_server_that_is_left_alone_are_shown(desk):
    with db.transaction() as session:
        send_suspension.stop(session, "restore", "no_suppressions", NOON)
        for _ in range(5):
            circuit_breaker.failed(session, "maildir", clock.now())

    page = desk.get("/desk/sending").text

    assert "Sending is suspended" in page
    assert "The mail server does not answer" in page
    assert "Nothing keeps e-mails" not in page


def test_the_learnt_rate_of_the_mail_server_is_shown_while_it_is_known(desk):
    server, now = transport.server_name(config.current().mail_url), clock.now()

    def page_after_a_refusal(at):
        with db.transaction() as session:
            relay_rate.refused(session, server, at, unsettled=20)
        return desk.get("/desk/sending").text

    assert "messages a minute" not in desk.get("/desk/sending").text
    assert "messages a minute" not in page_after_a_refusal(now - timedelta(days=2))
    said = f"The mail server takes about 20 messages a minute (learnt at {now:%Y-%m-%d %H:%M} UTC)."
    assert said in page_after_a_refusal(now)


@few
def test_a_paused_shop_goes_on_by_a_button_and_by_nothing_else(desk):
    at_shop = paused_shop()
    path = f"/desk/sending/{at_shop.slug}"
    page = desk.get("/desk/sending").text
    assert "3 invitations within an hour, where about 0 are usual" in page
    assert f'action="{path}"' in page

    assert desk.get(path).status_code == 405
    assert desk.post(path).status_code == 400
    assert desk.post(path, data={"form_token": "x"}).status_code == 400
    assert names() == [at_shop.slug]

    with quiet():
        for _ in range(2):
            answer = desk.post(path, data={"form_token": form_token(desk)})
            assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/sending")
    assert names() == []
    assert at_shop.slug not in desk.get("/desk/sending").text.partition("</nav>")[2]


def test_a_shop_that_is_not_there_is_nothing_here(desk):
    answer = desk.post("/desk/sending/nobody", data={"form_token": form_token(desk)})

    assert answer.status_code == 404


@few
def test_hostile_names_are_inert(desk):
    paused_shop("<script>alert(1)</script>")

    assert "<script>" not in desk.get("/desk/sending").text


@few
@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_the_page_speaks_each_language(desk, language):
    paused_shop()
    sent(Post(UNKNOWN))

    answer = desk.get("/desk/sending", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text


def test_the_page_says_where_answers_go(desk):
    shop()
    page = desk.get("/desk/sending").text
    assert "nobody at the shop" in page

    with db.transaction() as session:
        session.execute(update(shops).values(reply_to="service@shop.example"))

    page = desk.get("/desk/sending").text
    assert "service@shop.example" in page
    assert "nobody at the shop" not in page
