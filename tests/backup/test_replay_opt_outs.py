"""Opt-outs made or ended after the backup hold in the restored installation."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.backup.backup_commands import elsewhere, run_command
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.privacy.rights import erasure, objection, opt_in_again, people
from trustsvc.registry.check import RegistryQuery, statuses
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def shop(installation):
    return sample_orders.shop(delay=3, delay_unit="days")


@pytest.fixture
def backup(tmp_path):
    def make():
        assert run_command("backup", tmp_path / "installation.backup").exit_code == 0

    return make


@pytest.fixture
def restored(installation, tmp_path, request):
    def restore():
        place = elsewhere(installation, tmp_path, request)
        place.__enter__()
        request.addfinalizer(lambda: place.__exit__(None, None, None))
        done = run_command("restore", tmp_path / "installation.backup", "--nothing-sent-since")
        assert "NO INVITATION" not in done.output

    return restore


def do(action, minutes, shop_ids=None):
    now = NOON + minutes * MINUTE
    with quiet(), db.transaction() as session:
        person = people.by_address(session, my_data_pages.JAN, shop_ids)
        if action == "object":
            objection.object_to(session, person, now)
        elif action == "erase":
            erasure.erase(session, person, erasure.ErasureOptions(), now)
        else:
            opt_in_again.opt_in_again(session, person, now)


def is_out(shop):
    with db.reading() as session:
        return statuses(session, [RegistryQuery(shop.id, my_data_pages.JAN)])[0].opted_out


@pytest.mark.parametrize("places", [None, [1]])
@pytest.mark.parametrize(
    ("actions", "out"),
    [
        (["object"], True),
        (["object", "again"], False),
        (["object", "again", "object"], True),
        (["erase", "again"], False),
    ],
)
def test_the_last_choice_holds(shop, backup, restored, actions, places, out):
    order_id = sample_orders.invited(shop)
    backup()
    for minute, action in enumerate(actions, 1):
        do(action, minute, places)
    restored()

    assert is_out(shop) == out
    assert sample_orders.order_row(order_id).email is None  # what it ended then stays ended
    assert (sample_orders.order_row(order_id).buyer_pseudonym is None) == ("erase" in actions)


@pytest.mark.parametrize("places", [None, [1]])
@pytest.mark.parametrize("action", ["object", "erase"])
def test_what_came_after_it_was_taken_back_is_left_alone(shop, backup, restored, action, places):
    do(action, 1, places)
    do("again", 2, places)
    order_id = sample_orders.invited(shop, NOON + 3 * MINUTE)
    backup()
    restored()

    assert sample_orders.order_row(order_id).email == my_data_pages.JAN
    messages = sample_orders.sent_invitations(now=NOON + timedelta(days=4)).messages
    assert [message.to_address for message in messages] == [my_data_pages.JAN]


def test_a_backup_from_before_it_was_taken_back_knows_of_it(shop, backup, restored):
    do("object", 1)
    backup()
    do("again", 2)
    restored()

    with db.reading() as session:
        assert session.execute(select(opt_outs)).all() == []


def test_one_taken_back_by_a_clock_that_was_set_back_goes_on_holding(shop, backup, restored):
    backup()
    do("object", 10)
    do("again", 1)
    restored()

    assert is_out(shop)
