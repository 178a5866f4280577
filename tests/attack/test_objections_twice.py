"""An address objects twice, is undone, restored or erased meanwhile: what holds, and who is asked.

trustsvc/registry/opt_out.py, trustsvc/privacy/rights/answer_objections.py,
trustsvc/privacy/rights/objection_bursts.py, trustsvc/privacy/rights/opt_in_again.py and
trustsvc/backup/replay_opt_outs.py; on loopback.
"""

import threading
from datetime import timedelta

import pytest

from tests.attack import test_objections
from tests.attack.test_objections import MINUTE, buyers, job, link_in, objections_command, out, post
from tests.attack.test_objections_and_proof import NETWORK, hourly, one_click, typed
from tests.backup import backup_commands
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.key_rotation import add_key
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.crypto.pseudonyms import network_pseudonym
from trustsvc.orders import privacy_requests
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.orders.received import PrivacyRequestKind
from trustsvc.privacy.rights import burst_policy, objection_bursts
from trustsvc.privacy.rights.answer_requests import SET_SIZE, answer_set
from trustsvc.registry import opt_out
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]
noon = test_objections.noon
HELD = burst_policy.HELD_OF_NETWORK
OBJECTED = ("object", "done", "person")


def mailed_to(email):
    return [one for one in my_data_pages.mailed() if one.to_address == email]


def last_is_held(client, shop):
    """Have all but the last buyer opted out, and the last one's objection held."""
    orders = buyers(shop, HELD + 1)
    sample_orders.sent_invitations()
    typed(client, shop, HELD + 1)
    job()
    my_data_pages.mailed()
    return orders[-1], f"b{HELD}@mail.example"


def by_link(client, _shop, order):
    my_data_pages.post(client, order, "object")


@pytest.mark.parametrize("own", [by_link, one_click])
def test_a_held_objection_that_a_link_took_over_is_a_line_of_the_request_log(client, own):
    shop = sample_orders.shop()
    order, _ = last_is_held(client, shop)
    with clock.at(NOON + 60 * MINUTE), quiet():
        own(client, shop, order)
        job()
    with clock.at(NOON + timedelta(hours=25)):
        job()

    assert my_data_pages.register().count(OBJECTED) == HELD + 1


def test_a_stop_before_the_answer_leaves_the_objection_in_the_request_log(client):
    shop = sample_orders.shop()
    (order,) = buyers(shop, 1)
    sample_orders.sent_invitations()
    typed(client, shop, 1)
    with quiet():
        one_click(client, shop, order)
    job()

    assert OBJECTED in my_data_pages.register()


def test_a_buyer_who_objected_from_two_networks_gets_the_copy_when_one_is_undone(client):
    shop = sample_orders.shop()
    order, email = last_is_held(client, shop)
    with clock.at(NOON + 5 * MINUTE):
        post(client, shop, email, network=2)
        job()
        with quiet():
            objections_command("undo", "--network", NETWORK)
        job()
        assert len(mailed_to(email)) == 1

    assert out() == [(shop.id, "objection")]
    assert sample_orders.order_row(order).email is None
    assert my_data_pages.register().count(OBJECTED) == HELD + 1


@pytest.mark.parametrize("held_first", [False, True])
def test_an_unknown_address_typed_from_two_networks_is_out_nowhere_when_one_is_undone(
    client, held_first
):
    shop = sample_orders.shop()
    networks = [1, 2] if held_first else [2, 1]
    if held_first:
        typed(client, shop, HELD)
    post(client, shop, "s@mail.example", network=networks[0])
    job()
    with clock.at(NOON + 5 * MINUTE):
        if not held_first:
            typed(client, shop, HELD)
        post(client, shop, "s@mail.example", network=networks[1])
        job()
        with quiet():
            objections_command("undo", "--network", NETWORK)
        job()
    with clock.at(NOON + timedelta(days=2)):
        job()

    assert out() == []


def test_who_opted_in_again_is_not_out_after_an_undoing(client):
    shop = sample_orders.shop()
    orders = buyers(shop, 3)
    post(client, shop, "b2@mail.example", network=2)
    job()
    with clock.at(NOON + 5 * MINUTE):
        my_data_pages.post(client, orders[2], "again")
    with clock.at(NOON + 60 * MINUTE):
        typed(client, shop, 3)
        job()
        with quiet():
            objections_command("undo", "--network", NETWORK)
        job()

    assert out() == []


def test_who_erased_is_not_asked_after_a_hold_although_the_key_was_rotated(client, installation):
    shop = sample_orders.shop()
    order, email = last_is_held(client, shop)
    add_key(installation, "lookup")
    with clock.at(NOON + 60 * MINUTE):
        my_data_pages.post(client, order, "erase", confirm="yes")
        job()
        my_data_pages.mailed()
    with clock.at(NOON + timedelta(hours=24, minutes=1)):
        job()
        assert mailed_to(email) == []


@pytest.fixture
def back_up(tmp_path):
    return lambda: backup_commands.run_command("backup", tmp_path / "i.backup")


@pytest.fixture
def restore(installation, tmp_path, request):
    def restored():
        place = backup_commands.elsewhere(installation, tmp_path, request)
        place.__enter__()
        request.addfinalizer(lambda: place.__exit__(None, None, None))
        done = backup_commands.run_command("restore", tmp_path / "i.backup", "--nothing-sent-since")
        assert done.exit_code == 0, done.output

    return restored


@pytest.mark.parametrize("own", [one_click, by_link])
def test_undoing_on_a_restored_database_leaves_what_a_link_did_after_the_backup(
    client, back_up, restore, own
):
    shop = sample_orders.shop()
    orders = buyers(shop, 3)
    sample_orders.sent_invitations()
    typed(client, shop, 3)
    job()
    back_up()
    with clock.at(NOON + 5 * MINUTE), quiet():
        own(client, shop, orders[2])
        job()
    with clock.at(NOON + 30 * MINUTE), quiet():
        restore()
        objections_command("undo", "--network", NETWORK)
        assert len(out()) == 1


def test_a_restored_hold_ends_without_taking_back_what_a_link_confirmed(client, back_up, restore):
    shop = sample_orders.shop()
    post(client, shop, "s@mail.example", network=5)
    job()
    (message,) = my_data_pages.mailed()
    path, _, scope = link_in(message).partition("?scope=")
    with clock.at(NOON + 60 * MINUTE):
        typed(client, shop, HELD)
        post(client, shop, "s@mail.example")
        job()
        back_up()
    with clock.at(NOON + 70 * MINUTE), quiet():
        client.post(path, data={"scope": scope})
    with clock.at(NOON + 80 * MINUTE), quiet():
        restore()
    with clock.at(NOON + timedelta(hours=26)):
        job()
        assert out() == [(shop.id, "objection")]


def undone_first(monkeypatch, name):
    """Have all undone in another thread, right before opt_out does this."""
    real = getattr(opt_out, name)

    def undo():
        with db.transaction() as session:
            since, now = NOON - timedelta(days=1), clock.now()
            objection_bursts.undo(session, since, NOON + MINUTE, NETWORK, now, "staff 1")

    def interrupted(*args):
        monkeypatch.setattr(opt_out, name, real)
        thread = threading.Thread(target=undo)
        thread.start()
        thread.join()
        return real(*args)

    monkeypatch.setattr(opt_out, name, interrupted)


def only_where_two_write_at_once(installation):
    if not installation.database_url.startswith("postgresql"):
        pytest.skip("SQLite has one writer")


def test_a_stop_that_an_undoing_overtakes_holds(client, monkeypatch, installation):
    only_where_two_write_at_once(installation)
    shop = sample_orders.shop()
    (order,) = buyers(shop, 1)
    sample_orders.sent_invitations()
    typed(client, shop, 1)
    undone_first(monkeypatch, "_take_over")
    with quiet():
        one_click(client, shop, order)

    assert out() == [(shop.id, "stop")]


def test_an_objection_that_an_undoing_of_another_network_overtakes_holds(
    client, monkeypatch, installation
):
    only_where_two_write_at_once(installation)
    shop = sample_orders.shop()
    buyers(shop, 1)
    typed(client, shop, 1)
    undone_first(monkeypatch, "lock")
    with clock.at(NOON + 5 * MINUTE):
        post(client, shop, "b0@mail.example", network=2)
        job()

    assert out() == [(shop.id, "objection")]


@hourly(4)
def test_what_was_put_back_keeps_away_nothing_that_was_never_tried(client):
    shop = sample_orders.shop()
    sample_orders.invited(shop, email="anna@mail.example")
    with quiet(), db.transaction() as session:
        for number in range(2 * SET_SIZE):
            asked = PrivacyRequest(
                PrivacyRequestKind.OBJECT,
                shop.id,
                "en",
                f"s{number}@mail.example",
                network=network_pseudonym(f"n{number}"),
            )
            privacy_requests.store(session, asked, NOON)
    my_data_pages.answered()
    with clock.at(NOON + 11 * MINUTE), quiet():
        with db.transaction() as session:
            kind = PrivacyRequestKind.ERASE
            erased = PrivacyRequest(kind, shop.id, "en", "anna@mail.example")
            privacy_requests.store(session, erased, clock.now())
        answer_set(db.transaction, clock.now)

    assert ("erase", "done", "shop") in my_data_pages.register()
