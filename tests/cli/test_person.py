import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests.invitations import setup
from tests.invitations.setup import NOON, quiet
from tests.privacy.rights import scene
from trustsvc import cli, clock
from trustsvc.privacy import request_log
from trustsvc.privacy.models import request_log as requests
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def run(*words, said=scene.JAN):
    with quiet():
        return CliRunner().invoke(cli.main, ["person", *words], input=f"{said}\n")


def said(*words, **more):
    done = run(*words, "--json", **more)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_tell_prints_everything(house):
    setup.invited(setup.shop())

    assert said("tell")["data"]["orders"][0]["email"] == scene.JAN
    assert said("tell", said="stranger@example.com")["data"] == {}
    assert "nothing is kept" in run("tell", said="stranger@example.com").output


def test_forget_erases_with_a_receipt_that_can_be_looked_up(house):
    order_id = setup.invited(setup.shop())

    done = said("forget")

    assert (done["known"], done["orders"]) == (True, 1)
    assert setup.order_row(order_id).email is None
    receipts = CliRunner().invoke(cli.main, ["purge", "--receipts"]).output
    assert done["receipt"] in receipts
    assert "The chain of receipts is intact." in receipts
    assert scene.register() == [("erase", "done", "command line")]


def test_forget_at_one_shop_leaves_the_other(house):
    first, second = setup.shop(), setup.shop(name="Other")
    gone, stays = setup.invited(first), setup.invited(second)

    said("forget", "--shop", first.slug)

    assert (setup.order_row(gone).email, setup.order_row(stays).email) == (None, scene.JAN)


def test_a_refusal_tells_its_ground_and_the_authority(house):
    order_id = setup.invited(setup.shop())
    with db.transaction() as session:
        number = request_log.record_open(session, "erase", 0, NOON)

    said("forget", "--refuse", "17_3_e", "--request", str(number))

    assert setup.order_row(order_id).email == scene.JAN
    (letter,) = scene.mailed()
    assert "art. 17 lid 3 onder e AVG" in letter.text
    assert "de toezichthouder" in letter.text or "autoriteit" in letter.text
    assert scene.register() == [("erase", "refused", "command line")]


def test_a_refusal_and_a_look_are_in_the_register_without_an_open_request_too(house):
    shop = setup.shop()
    setup.invited(shop)

    said("forget", "--refuse", "17_3_e")
    said("tell", "--shop", shop.slug)
    said("tell", said="stranger@example.com")

    assert scene.register() == [
        ("erase", "refused", "command line"),
        ("see", "done", "command line"),
        ("see", "done", "command line"),
    ]
    with db.reading() as session:
        refused = session.execute(select(requests).where(requests.c.ground.is_not(None))).one()
    assert (refused.ground, refused.shop_id) == ("17_3_e", 0)


def test_a_look_that_settles_a_request_is_one_line(house):
    with db.transaction() as session:
        number = request_log.record_open(session, "see", 0, NOON)

    said("tell", "--request", str(number))

    assert scene.register() == [("see", "done", "command line")]


def test_an_opt_out_is_lifted_at_one_shop_or_at_all_and_a_restriction_is_not(house):
    shop = setup.shop()
    said("object")
    said("object", "--shop", shop.slug)
    said("restrict")

    assert said("lift", "--opt-out", "--shop", shop.slug)["changed"] is True
    assert out() == [0]
    assert [said("lift", "--opt-out")["changed"] for _ in range(2)] == [True, False]
    assert out() == []
    assert said("lift")["changed"] is True


def out():
    with db.reading() as session:
        return session.scalars(select(opt_outs.c.shop_id)).all()


def test_restrict_and_lift(house):
    setup.invited(setup.shop())

    assert [said("restrict")["changed"], said("restrict")["changed"]] == [True, False]
    assert setup.sent().letters == []
    assert [said("lift")["changed"], said("lift")["changed"]] == [True, False]


def test_object_stops_and_hands_over(house):
    setup.invited(setup.shop())

    assert said("object") == {"done": "object", "known": True, "copy_sent": True}
    assert setup.sent().letters == []


def test_each_objection_that_staff_answer_is_in_the_register(house):
    for _ in range(2):
        said("object", said="stranger@example.com")

    assert scene.register() == [("object", "done", "command line")] * 2


def test_correct_takes_a_line_for_each_field(house):
    order_id = setup.invited(setup.shop())

    said("correct", said=f"{scene.JAN}\nname=Jan Janssen\nemail=new@example.com")

    row = setup.order_row(order_id)
    assert (row.name, row.email) == ("Jan Janssen", "new@example.com")


@pytest.mark.parametrize("deed", ["tell", "forget", "restrict", "lift", "object", "correct"])
@pytest.mark.parametrize("address", ["", "nonsense", "a@b", "x\nwrong=1"])
def test_what_is_no_address_ends_with_a_sentence_that_does_not_repeat_it(house, deed, address):
    done = run(deed, said=address)

    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert "nonsense" not in done.output
    assert scene.register() == []


def test_no_address_is_taken_from_the_command_line(house):
    assert run("forget", scene.JAN).exit_code == 2


@pytest.mark.parametrize("deed", ["tell", "correct", "forget", "restrict", "lift", "object"])
@pytest.mark.parametrize("bad", [b"\xff\xfe\n", b"jan@example.com\nname=\xff\n"])
def test_what_is_no_text_is_refused_in_a_sentence_without_a_word_of_it(house, deed, bad):
    with quiet():
        done = CliRunner().invoke(cli.main, ["person", deed], input=bad)

    assert done.exit_code == 1
    assert "Write UTF-8" in done.output
    assert "jan@" not in f"{done.output}{done.exception!r}"


@pytest.mark.parametrize("deed", ["tell", "forget", "restrict", "lift", "object"])
def test_two_addresses_are_refused_and_not_one_of_them_served(house, deed):
    order_id = setup.invited(setup.shop())

    done = run(deed, said=f"{scene.JAN}\neva@example.com")

    assert done.exit_code == 1
    assert setup.order_row(order_id).email == scene.JAN
    assert scene.register() == []
