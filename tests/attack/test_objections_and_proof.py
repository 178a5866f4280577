"""What the owner of an address said by a link stays, whatever a stranger typed before or after.

trustsvc/registry/opt_out.py, trustsvc/privacy/rights/objection_bursts.py,
trustsvc/privacy/rights/ask_again.py and trustsvc/privacy/rights/answer_objections.py; on loopback.
"""

from datetime import timedelta

import pytest

from tests.attack import test_objections
from tests.attack.test_mail_cannon import ask_for_link, written
from tests.attack.test_objections import MINUTE, buyers, job, link_in, objections_command, out, post
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from tests.staff import signed_in_staff
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.doctor.privacy_requests import limited
from trustsvc.invitations.delivery_feedback import UNDELIVERABLE
from trustsvc.privacy.rights import burst_policy
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]
noon = test_objections.noon
NETWORK = "10.0.1.0/24"


def hourly(number):
    setting = {"TRUSTSVC_CONFIRMATIONS_HOURLY": str(number)}
    return pytest.mark.parametrize("installation", [setting], indirect=True)


def typed(client, shop, number, network=1):
    """Have a stranger type the addresses of these buyers; all that is over the limit is held."""
    for one in range(number):
        post(client, shop, f"b{one}@mail.example", network=network)


def mailed_after_an_order(shop, email):
    later = NOON + timedelta(days=40)
    with clock.at(later):
        sample_orders.invited(shop, later, email=email)
        return [one.to_address for one in sample_orders.sent_invitations(now=later).messages]


def one_click(client, _shop, order):
    token = signed_links.token("stop", sample_orders.invitation_of(order).link)
    client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})


def bounced(_client, shop, _order):
    with db.transaction() as session:
        opt_out(session, "b2@mail.example", shop.id, UNDELIVERABLE, clock.now())


def typed_by_the_owner(client, shop, _order):
    post(client, shop, "b2@mail.example", network=2)


@pytest.mark.parametrize("own", [one_click, bounced, typed_by_the_owner])
def test_undoing_a_stranger_s_objections_takes_back_no_other_of_the_same_person(client, own):
    shop = sample_orders.shop()
    orders = buyers(shop, 3)
    sample_orders.sent_invitations()
    typed(client, shop, 3)
    with clock.at(NOON + 5 * MINUTE):
        with quiet():
            own(client, shop, orders[2])
        job()
        with quiet():
            assert objections_command("undo", "--network", NETWORK)["opt_outs_ended"] == 2
        job()

    assert [shop_id for shop_id, _ in out()] == [shop.id]
    assert mailed_after_an_order(shop, "b2@mail.example") == []


def test_who_erased_while_an_objection_was_held_stays_out(client):
    shop = sample_orders.shop()
    orders = buyers(shop, burst_policy.HELD_OF_NETWORK + 1)
    typed(client, shop, len(orders))
    job()
    with clock.at(NOON + 60 * MINUTE):
        my_data_pages.post(client, orders[-1], "erase", confirm="yes")
        job()
    with clock.at(NOON + timedelta(hours=24, minutes=1)):
        job()

    assert len(out()) == len(orders)
    assert mailed_after_an_order(shop, f"b{len(orders) - 1}@mail.example") == []


def test_what_was_confirmed_by_a_link_holds_when_a_held_objection_is_answered(client):
    shop = sample_orders.shop()
    post(client, shop, "s@mail.example", network=5)
    job()
    (message,) = my_data_pages.mailed()
    path, _, scope = link_in(message).partition("?scope=")
    with clock.at(NOON + 60 * MINUTE):
        typed(client, shop, burst_policy.HELD_OF_NETWORK)
        post(client, shop, "s@mail.example")
        job()
        with quiet():
            client.post(path, data={"scope": scope})
    with clock.at(NOON + timedelta(hours=26)):
        job()

    assert out() == [(shop.id, "objection")]


def test_who_objects_once_more_while_held_gets_one_copy_with_everything_in_it(client):
    shop = sample_orders.shop()
    orders = buyers(shop, burst_policy.HELD_OF_NETWORK + 1)
    last = f"b{len(orders) - 1}@mail.example"
    typed(client, shop, len(orders))
    with clock.at(NOON + timedelta(hours=23, minutes=30)):
        post(client, shop, last, network=2)
        job()
        assert sample_orders.order_row(orders[-1]).email == last
    with clock.at(NOON + timedelta(hours=24, minutes=1)):
        job()
        (copy,) = [one for one in my_data_pages.mailed() if one.to_address == last]
        answer = client.get(f"{link_in(copy)}/copy.json")

    assert f"B {len(orders) - 1}" in answer.text
    assert sample_orders.order_row(orders[-1]).email is None


@hourly(40)
def test_a_flood_at_a_shop_is_no_limit_for_a_network_that_caused_few(client):
    shop = sample_orders.shop()
    for number in range(20):
        post(client, shop, f"s{number}@mail.example", network=1 + number % 4)
    job()
    flood = written("object_shop")
    assert flood < 10
    with clock.at(NOON + MINUTE):
        post(client, shop, "one@mail.example", network=99)
        job()
        assert "one@mail.example" in {one.to_address for one in my_data_pages.mailed()}

    assert written("object_shop") == flood + 1


@hourly(12)
def test_those_who_are_asked_after_an_undoing_leave_messages_for_the_rights_of_others(client):
    shop, other = sample_orders.shop(), sample_orders.shop(name="Other")
    buyers(shop, 9)
    sample_orders.invited(other, email="anna@mail.example")
    typed(client, shop, 9)
    job()
    with quiet():
        assert objections_command("undo")["asked"] == 9
    job()
    asked = written("object_shop")
    ask_for_link(client, "anna@mail.example", network=77)
    my_data_pages.answered()

    assert (asked, written("my_data_link")) == (3, 1)
    for hours in (1, 2):
        with clock.at(NOON + hours * 61 * MINUTE):
            job()
    assert written("object_shop") == 9


@hourly(4)
def test_a_hold_that_ends_is_no_long_wait_for_the_hour_s_messages(client):
    shop = sample_orders.shop()
    buyers(shop, burst_policy.HELD_OF_NETWORK)
    typed(client, shop, 20)
    job()
    with clock.at(NOON + timedelta(hours=24, minutes=1)):
        job()
        with db.reading() as session:
            assert limited(session, clock.now()) == []


def test_the_desk_decides_on_what_its_page_showed(client):
    shop = sample_orders.shop()
    buyers(shop, 3)
    signed_in_staff.sign_in(client)
    token = signed_in_staff.form_token(client)
    typed(client, shop, 2)
    shown = (NOON + MINUTE).isoformat()
    with clock.at(NOON + 2 * MINUTE):
        post(client, shop, "b2@mail.example")
        with quiet():
            form = {"form_token": token, "do": "undo", "until": shown}
            assert client.post("/desk/objections", data=form).status_code == 303

        assert out() == [(shop.id, "objection")]
        for until in ("", "soon", "2026-06-10", "9999-01-01T00:00:00+00:00"):
            with quiet():
                form = {"form_token": token, "do": "keep", "until": until}
                assert client.post("/desk/objections", data=form).status_code == 303
