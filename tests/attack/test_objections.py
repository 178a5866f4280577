"""A stranger who objects for many stops little, is seen within a minute, and can be undone.

trustsvc/privacy/rights/objection_bursts.py, trustsvc/privacy/rights/burst_policy.py,
trustsvc/privacy/rights/burst_alarm.py, trustsvc/privacy/rights/ask_again.py,
trustsvc/privacy/rights/answer_objections.py and trustsvc/cli/objections.py; on loopback.
"""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from jobs.answer_privacy_requests import answer_privacy_requests
from tests import rate_limits
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from tests.staff import signed_in_staff
from trustsvc import cli, clock
from trustsvc.doctor.privacy_requests import objections
from trustsvc.privacy.retention import purge
from trustsvc.privacy.rights import burst_policy
from trustsvc.registry.models import form_objections, opt_outs
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def post(client, shop, email, network=1, **form):
    rate_limits.reset()
    with quiet():
        return client.post(
            f"/object/{shop.slug}",
            data={"email": email} | form,
            environ_base={"REMOTE_ADDR": f"10.0.{network}.7"},
        )


def out():
    with db.reading() as session:
        return sorted((row.shop_id, row.reason) for row in session.execute(select(opt_outs)))


def job():
    with quiet():
        answer_privacy_requests()


def buyers(shop, number):
    return [
        sample_orders.invited(shop, email=f"b{one}@mail.example", name=f"B {one}")
        for one in range(number)
    ]


def link_in(message):
    line = next(line for line in message.text.splitlines() if "/me/" in line)
    return line.partition("8000")[2]


def objections_command(*words):
    done = CliRunner().invoke(cli.main, ["objections", *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_strangers_opt_nobody_out_of_all_shops(client):
    shop = sample_orders.shop()
    buyers(shop, 3)

    for number in range(12):
        post(client, shop, f"b{number}@mail.example", network=number, everywhere="yes")
    job()

    assert [shop_id for shop_id, _ in out() if shop_id == 0] == []
    assert out() == [(shop.id, "objection")] * 3


def test_an_unknown_address_is_opted_out_by_the_link_alone(client):
    shop, other = sample_orders.shop(), sample_orders.shop(name="Other")
    post(client, shop, "later@mail.example")
    job()
    assert out() == []
    (message,) = my_data_pages.mailed()
    assert (message.to_address, shop.name in message.text) == ("later@mail.example", True)
    path = link_in(message)
    assert path.endswith(f"/object?scope=at-{shop.slug}")

    page = client.get(path)
    assert (page.status_code, out()) == (200, [])
    assert f'value="at-{shop.slug}"' in page.text
    with quiet():
        client.post(path.partition("?")[0], data={"scope": f"at-{shop.slug}"})

    assert out() == [(shop.id, "objection")]
    asked, confirmed = my_data_pages.register()
    assert asked == ("object", "done", "confirmation")
    assert confirmed == ("object", "done", "person")
    refused = sample_orders.invited(shop, email="later@mail.example")
    asked = sample_orders.invited(other, email="later@mail.example")
    assert sample_orders.message_of(refused) is None
    assert sample_orders.message_of(asked) is not None


def test_an_objection_holds_although_the_order_that_it_refuses_forgets_its_buyer(client):
    shop = sample_orders.shop()
    at_once = sample_orders.place(shop, email="before@mail.example")
    post(client, shop, "before@mail.example")
    post(client, shop, "held@mail.example")
    later = sample_orders.place(shop, email="held@mail.example")
    sample_orders.planned()
    assert [sample_orders.order_row(order).buyer_pseudonym for order in (at_once, later)] == [
        None,
        None,
    ]

    job()

    assert out() == [(shop.id, "objection")] * 2
    assert my_data_pages.register() == [("object", "done", "person")] * 2
    refused = sample_orders.invited(shop, email="held@mail.example")
    assert sample_orders.message_of(refused) is None


def test_known_and_unknown_addresses_get_the_same_answer_at_each_step_of_a_burst(client):
    shop = sample_orders.shop()
    buyers(shop, burst_policy.CONFIRMED_OF_SHOP + 2)
    seen = set()
    for number in range(burst_policy.CONFIRMED_OF_SHOP // 2 + 2):
        for email in (f"b{number}@mail.example", f"s{number}@mail.example"):
            answer = post(client, shop, email, network=number)
            seen.add((answer.status_code, answer.data))

    assert len(seen) == 1


def test_a_burst_holds_at_once_and_what_cannot_be_undone_waits(client):
    shop = sample_orders.shop()
    orders = buyers(shop, 15)
    for number in range(15):
        post(client, shop, f"b{number}@mail.example")
    job()

    assert out() == [(shop.id, "objection")] * 15
    kept = [sample_orders.order_row(order).email is not None for order in orders]
    assert kept == [False] * burst_policy.HELD_OF_NETWORK + [True] * 5
    with clock.at(NOON + timedelta(hours=25)):
        job()
    assert not any(sample_orders.order_row(order).email for order in orders)
    assert my_data_pages.register() == [("object", "done", "person")] * 15


def test_a_network_over_its_limit_is_refused_and_others_are_not(client):
    shop = sample_orders.shop()
    for number in range(burst_policy.MAX_OF_NETWORK):
        post(client, shop, f"b{number}@mail.example")

    assert post(client, shop, "one@mail.example").status_code == 429
    assert post(client, shop, "one@mail.example", network=2).status_code == 200
    with clock.at(NOON + 61 * MINUTE):
        assert post(client, shop, "one@mail.example").status_code == 200


def test_over_a_shop_s_limit_nobody_is_refused_and_the_mailbox_must_confirm(client, monkeypatch):
    monkeypatch.setattr(burst_policy, "CONFIRMED_OF_SHOP", 4)
    shop, other = sample_orders.shop(), sample_orders.shop(name="Other")
    buyers(shop, 6)
    for number in range(6):
        assert post(client, shop, f"b{number}@mail.example", network=number).status_code == 200
    job()

    assert out() == [(shop.id, "objection")] * 4
    asked = [one for one in my_data_pages.mailed() if "?scope=at-" in one.text]
    assert sorted(one.to_address for one in asked) == ["b4@mail.example", "b5@mail.example"]
    sample_orders.invited(other, email="b1@mail.example")
    post(client, other, "b1@mail.example", network=9)
    job()
    assert (other.id, "objection") in out()


def test_a_flood_too_slow_for_the_hour_is_seen_by_the_day(client):
    shops = [sample_orders.shop(name=f"Shop {number}") for number in range(6)]
    (order,) = buyers(shops[0], 1)
    for hour in range(4):
        with clock.at(NOON + hour * 61 * MINUTE):
            for number in range(burst_policy.HELD_OF_NETWORK - 1):
                shop = shops[1 + number % 5]
                assert post(client, shop, f"h{hour}n{number}@mail.example").status_code == 200
                with db.reading() as session:
                    level = objections(session, clock.now()).level
            assert level == ("FAIL" if hour == 3 else "OK")

    with clock.at(NOON + timedelta(hours=5)):
        post(client, shops[0], "b0@mail.example")
        job()
        assert sample_orders.order_row(order).email is not None
        assert (shops[0].id, "objection") in out()
        with quiet():
            objections_command("keep")
        with db.reading() as session:
            assert objections(session, clock.now()).level == "OK"
        post(client, shops[1], "next@mail.example")
        assert objections_command("list")["held"] == 0


@pytest.mark.parametrize(
    ("hour", "day", "held", "confirmed"),
    [
        ((9, 29, 99), (29, 89, 299), False, False),
        ((10, 0, 0), (10, 0, 0), True, False),
        ((0, 30, 0), (0, 30, 0), True, False),
        ((0, 0, 100), (0, 0, 100), True, False),
        ((0, 0, 0), (30, 0, 0), True, False),
        ((0, 0, 0), (0, 90, 0), True, False),
        ((0, 0, 0), (0, 0, 300), True, False),
        ((0, 60, 0), (0, 60, 0), False, True),
        ((0, 0, 0), (0, 180, 0), False, True),
        ((0, 0, 0), (0, 0, 600), False, True),
    ],
)
def test_numbers_of_an_hour_and_of_a_day(hour, day, held, confirmed):
    decided = burst_policy.treatment(burst_policy.Recent(*hour), burst_policy.Recent(*day))

    assert (decided.is_held, decided.must_confirm) == (held, confirmed)
    assert max(max(one) for one in (hour, day)) <= burst_policy.MOST_COUNTED


def test_an_alarm_comes_within_a_minute_to_doctor_desk_and_mailbox(client):
    shop = sample_orders.shop()
    signed_in_staff.sign_in(client)
    with db.reading() as session:
        assert objections(session, clock.now()).level == "OK"
    for number in range(burst_policy.HELD_OF_NETWORK + 1):
        post(client, shop, f"b{number}@mail.example")

    with clock.at(NOON + MINUTE):
        job()
        job()
        with db.reading() as session:
            assert objections(session, clock.now()).level == "FAIL"
        desk = client.get("/desk/requests").text

    assert "10.0.1.0/24" in desk
    assert objections_command("list")["networks"] == [{"network": "10.0.1.0/24", "number": 11}]


@pytest.mark.parametrize(
    "installation", [{"TRUSTSVC_ALARM_TO": "ops@reviews.example"}], indirect=True
)
def test_the_operator_gets_one_message_of_a_burst(client):
    shop = sample_orders.shop()
    for number in range(burst_policy.HELD_OF_NETWORK + 1):
        post(client, shop, f"b{number}@mail.example")
    job()
    job()

    mine = [one for one in my_data_pages.mailed() if one.to_address == "ops@reviews.example"]
    assert len(mine) == 1
    assert "11" in mine[0].subject
    assert "@mail.example" not in mine[0].text


def test_undone_by_network_the_victims_are_asked_and_others_objections_stay(client):
    shop = sample_orders.shop()
    orders = buyers(shop, 16)
    for number in range(15):
        post(client, shop, f"b{number}@mail.example", network=1)
    post(client, shop, "b15@mail.example", network=2)
    job()
    my_data_pages.mailed()

    with quiet():
        undone = objections_command("undo", "--network", "10.0.1.0/24")
    again = objections_command("undo", "--network", "10.0.1.0/24")
    with clock.at(NOON + MINUTE):
        job()
        asked = [one for one in my_data_pages.mailed() if "?scope=at-" in one.text]

    assert undone == {"objections": 15, "opt_outs_ended": 15, "asked": 10}
    assert again["opt_outs_ended"] == 0
    assert out() == [(shop.id, "objection")]
    register = my_data_pages.register()
    assert register.count(("again", "done", "command line")) == 15
    assert register.count(("object", "done", "person")) == 11
    assert register.count(("object", "done", "confirmation")) == 15
    assert sorted(one.to_address for one in asked) == sorted(
        f"b{number}@mail.example" for number in range(15)
    )
    left = sample_orders.sent_invitations(now=NOON + timedelta(hours=1)).messages
    assert len(left) == 5
    assert all(sample_orders.order_row(order).email for order in orders[10:15])


def test_undone_by_time_nothing_of_before_is_touched(client):
    shop = sample_orders.shop()
    buyers(shop, 4)
    post(client, shop, "b0@mail.example")
    with clock.at(NOON + 30 * MINUTE):
        for number in (1, 2, 3):
            post(client, shop, f"b{number}@mail.example")

        with quiet():
            undone = objections_command("undo", "--since", (NOON + 20 * MINUTE).isoformat())

    assert (undone["opt_outs_ended"], len(out())) == (3, 1)


def test_what_its_owner_confirmed_is_not_undone(client):
    shop = sample_orders.shop()
    (order,) = buyers(shop, 1)
    for number in range(12):
        post(client, shop, f"b{11 - number}@mail.example")
    job()
    my_data_pages.post(client, order, "object")

    with quiet():
        objections_command("undo")
    job()

    assert out() == [(shop.id, "objection")]


def test_the_desk_undoes_and_keeps(client):
    shop = sample_orders.shop()
    orders = buyers(shop, 12)
    signed_in_staff.sign_in(client)
    token = signed_in_staff.form_token(client)
    for number in range(12):
        post(client, shop, f"b{number}@mail.example")

    def decide(**form):
        with quiet():
            return client.post("/desk/objections", data={"form_token": token} | form).status_code

    assert decide(do="guess") == 400
    assert decide(do="keep") == 303
    job()
    assert not any(sample_orders.order_row(order).email for order in orders)
    assert decide(do="undo", network="10.0.1.0/24") == 303
    assert out() == []


def test_the_network_of_an_objection_is_forgotten_after_three_days(client):
    post(client, sample_orders.shop(), "b@mail.example")
    with quiet(), clock.at(NOON + timedelta(days=3, minutes=1)):
        purge.purge_due(clock.now())

    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(form_objections)) == 0
