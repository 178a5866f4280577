"""Nobody fills mailboxes through the forms that take any address.

trustsvc/transactional_mail/mailbox.py and trustsvc/transactional_mail/hourly_limit.py.
"""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests import rate_limits
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.doctor.privacy_requests import limited
from trustsvc.storage import db
from trustsvc.transactional_mail.enqueue import MAX_PER_DAY
from trustsvc.transactional_mail.hourly_limit import RIGHTS, Written, is_full
from trustsvc.transactional_mail.mailbox import folded
from trustsvc.transactional_mail.models import transactional_messages

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]
few = pytest.mark.parametrize(
    "installation", [{"TRUSTSVC_CONFIRMATIONS_HOURLY": "12"}], indirect=True
)


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def register(client, shop, email, network=1):
    with quiet():
        answer = client.post(
            f"/register/{shop.slug}",
            data={"email": email},
            environ_base={"REMOTE_ADDR": f"10.0.{network}.7"},
        )
    return answer.status_code


def objected(client, shop, email, network=1, **form):
    rate_limits.reset()
    with quiet():
        answer = client.post(
            f"/object/{shop.slug}",
            data={"email": email} | form,
            environ_base={"REMOTE_ADDR": f"10.0.{network}.7"},
        )
    return answer.status_code


def ask_for_link(client, email, network):
    rate_limits.reset()
    with quiet():
        where = {"REMOTE_ADDR": f"10.0.{network}.7"}
        assert client.post("/me", data={"email": email}, environ_base=where).status_code == 200


def written(*templates):
    table = transactional_messages.c
    which = table.template.in_(templates or ["register"])
    with db.reading() as session:
        return len(session.scalars(select(table.id).where(which)).all())


def test_tags_and_full_stops_make_no_other_mailbox(client):
    shop = sample_orders.shop()
    variants = [f"jan.jansen+{number}@gmail.com" for number in range(10)]
    variants += ["JanJansen@Gmail.com", "j.a.n.jansen@googlemail.com"]

    codes = {register(client, shop, email) for email in variants}

    assert codes == {200}
    assert written() == MAX_PER_DAY
    assert register(client, shop, "piet@gmail.com") == 200
    assert written() == MAX_PER_DAY + 1


def test_a_network_registers_few_in_an_hour(client):
    shop = sample_orders.shop()

    codes = [register(client, shop, f"b{number}@mail.example") for number in range(21)]

    assert codes == [200] * 20 + [429]


@few
def test_eight_networks_write_to_no_more_strangers_than_the_service_allows(client):
    shops = [sample_orders.shop(name=f"Shop {number}") for number in range(3)]

    codes = [
        register(client, shops[number % 3], f"b{number}@mail.example", network=number)
        for number in range(24)
    ]

    assert codes == [200] * 6 + [429] * 18
    assert written() == 6
    with clock.at(NOON + timedelta(minutes=61)):
        assert register(client, shops[0], "late@mail.example") == 200


@few
def test_one_shop_s_form_gets_half_of_them(client):
    shop, other = sample_orders.shop(), sample_orders.shop(name="Other")

    flood = [register(client, shop, f"b{number}@mail.example", number) for number in range(6)]

    assert flood == [200] * 3 + [429] * 3
    assert register(client, other, "anna@mail.example") == 200


@few
def test_links_to_one_s_data_wait_for_the_next_hour_and_none_is_lost(client):
    shop = sample_orders.shop()
    for number in range(8):
        sample_orders.invited(shop, email=f"b{number}@mail.example")
        ask_for_link(client, f"b{number}@mail.example", network=number)

    my_data_pages.answered()
    first = written("my_data_link")
    with clock.at(NOON + timedelta(hours=1, minutes=1)):
        my_data_pages.answered()

    assert (first, written("my_data_link")) == (6, 8)


@few
def test_objections_write_to_no_more_strangers_than_half_of_what_the_service_allows(client):
    shops = [sample_orders.shop(name=f"Shop {number}") for number in range(4)]

    for number in range(24):
        everywhere = {"everywhere": "yes"} if number % 2 else {}
        shop, email = shops[number % 4], f"s{number}@mail.example"
        assert objected(client, shop, email, number, **everywhere) == 200
        sample_orders.invited(shop, email=f"b{number}@mail.example")
        ask_for_link(client, f"b{number}@mail.example", network=number)
    my_data_pages.answered()

    assert written(*RIGHTS) == 6
    assert register(client, shops[0], "late@mail.example") == 200
    with clock.at(NOON + timedelta(hours=1, minutes=1)):
        my_data_pages.answered()
    assert written(*RIGHTS) == 12


def test_a_stranger_gets_one_message_whatever_the_objection_is_meant_for(client):
    shop = sample_orders.shop()

    objected(client, shop, "later@mail.example", everywhere="yes")
    my_data_pages.answered()

    assert (written("object_all"), written("object_shop")) == (1, 0)
    assert my_data_pages.register() == [("object", "done", "confirmation")]


@few
def test_what_waits_for_the_hour_s_messages_is_an_alarm_however_often_it_was_put_back(client):
    shop = sample_orders.shop()
    for number in range(8):
        objected(client, shop, f"s{number}@mail.example", number, everywhere="yes")
    my_data_pages.answered()
    with db.reading() as session:
        assert limited(session, clock.now()) == []

    for minutes in range(11, 89, 11):  # each run finds the messages of the flood still written
        with clock.at(NOON + timedelta(minutes=minutes)):
            for number in range(4):
                objected(client, shop, f"m{minutes}-{number}@mail.example", everywhere="yes")
            my_data_pages.answered()
    with clock.at(NOON + timedelta(minutes=89)), db.reading() as session:
        (finding,) = limited(session, clock.now())

    assert finding.level == "FAIL"
    assert "the oldest for 1 hours" in finding.detail
    assert "mail.example" not in f"{finding}"


@pytest.mark.parametrize(
    ("in_all", "shop", "network", "full"),
    [
        (74, 37, 19, False),
        (74, 37, 20, True),  # a fifth for a network
        (75, 0, 2, True),  # the last quarter is for networks that caused few
        (99, 0, 1, False),
        (100, 0, 0, True),
        (74, 38, 2, True),  # of the shop's half, too
        (74, 49, 1, False),
        (74, 50, 0, True),
        (74, 37, None, False),
        (75, 0, None, True),
    ],
)
def test_shares_of_the_hour_s_messages(in_all, shop, network, full):
    assert is_full(Written(in_all, shop, network), 100) is full


def test_a_limit_of_one_lets_one_of_each_kind_leave():
    assert not is_full(Written(in_all=0, shop=0, network=0), 1)
    assert is_full(Written(in_all=1, shop=0, network=0), 1)


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("Jan.Jansen+Shop@Gmail.com", "janjansen@gmail.com"),
        ("janjansen@googlemail.com", "janjansen@gmail.com"),
        ("jan.jansen+a+b@mail.example", "jan.jansen@mail.example"),
        ("jan.j@proton.me", "janj@proton.me"),
        ("janj+x@pm.me", "janj@proton.me"),
        ("+x@mail.example", "+x@mail.example"),
        ("JAN@MAIL.EXAMPLE", "jan@mail.example"),
    ],
)
def test_how_an_address_is_folded(address, mailbox):
    assert folded(address) == mailbox
