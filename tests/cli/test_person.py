import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import cli, clock
from trustsvc.privacy import models, request_log
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def run(*words, given=my_data_pages.JAN):
    with quiet():
        return CliRunner().invoke(cli.main, ["person", *words], input=f"{given}\n")


def result_of(*words, **more):
    done = run(*words, "--json", **more)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_tell_prints_everything(installation):
    sample_orders.invited(sample_orders.shop())

    assert result_of("tell")["data"]["orders"][0]["email"] == my_data_pages.JAN
    assert result_of("tell", given="stranger@mail.example")["data"] == {}
    assert "nothing is kept" in run("tell", given="stranger@mail.example").output


def test_forget_erases_with_a_receipt_that_can_be_looked_up(installation):
    order_id = sample_orders.invited(sample_orders.shop())

    done = result_of("forget")

    assert (done["known"], done["orders"]) == (True, 1)
    assert sample_orders.order_row(order_id).email is None
    receipts = CliRunner().invoke(cli.main, ["purge", "--receipts"]).output
    assert done["receipt"] in receipts
    assert "The chain of receipts is intact." in receipts
    assert my_data_pages.register() == [("erase", "done", "command line")]


def test_forget_at_one_shop_leaves_the_other(installation):
    first, second = sample_orders.shop(), sample_orders.shop(name="Other")
    gone, stays = sample_orders.invited(first), sample_orders.invited(second)

    result_of("forget", "--shop", first.slug)

    assert (sample_orders.order_row(gone).email, sample_orders.order_row(stays).email) == (
        None,
        my_data_pages.JAN,
    )


def test_a_refusal_tells_its_ground_and_the_authority(installation):
    order_id = sample_orders.invited(sample_orders.shop())
    with db.transaction() as session:
        number = request_log.record_open(session, "erase", 0, NOON)

    result_of("forget", "--refuse", "17_3_e", "--request", str(number))

    assert sample_orders.order_row(order_id).email == my_data_pages.JAN
    (message,) = my_data_pages.mailed()
    assert "art. 17 lid 3 onder e AVG" in message.text
    assert "de toezichthouder" in message.text or "autoriteit" in message.text
    assert my_data_pages.register() == [("erase", "refused", "command line")]


def test_a_refusal_and_a_look_are_in_the_register_without_an_open_request_too(installation):
    shop = sample_orders.shop()
    sample_orders.invited(shop)

    result_of("forget", "--refuse", "17_3_e")
    result_of("tell", "--shop", shop.slug)
    result_of("tell", given="stranger@mail.example")

    assert my_data_pages.register() == [
        ("erase", "refused", "command line"),
        ("see", "done", "command line"),
        ("see", "done", "command line"),
    ]
    with db.reading() as session:
        refused = session.execute(
            select(models.request_log).where(models.request_log.c.ground.is_not(None))
        ).one()
    assert (refused.ground, refused.shop_id) == ("17_3_e", 0)


def test_a_look_that_settles_a_request_is_one_line(installation):
    with db.transaction() as session:
        number = request_log.record_open(session, "see", 0, NOON)

    result_of("tell", "--request", str(number))

    assert my_data_pages.register() == [("see", "done", "command line")]


def test_an_opt_out_is_lifted_at_one_shop_or_at_all_and_a_restriction_is_not(installation):
    shop = sample_orders.shop()
    result_of("object")
    result_of("object", "--shop", shop.slug)
    result_of("restrict")

    assert result_of("lift", "--opt-out", "--shop", shop.slug)["changed"] is True
    assert out() == [0]
    assert [result_of("lift", "--opt-out")["changed"] for _ in range(2)] == [True, False]
    assert out() == []
    assert result_of("lift")["changed"] is True


def out():
    with db.reading() as session:
        return session.scalars(select(opt_outs.c.shop_id)).all()


def test_restrict_and_lift(installation):
    sample_orders.invited(sample_orders.shop())

    assert [result_of("restrict")["changed"], result_of("restrict")["changed"]] == [True, False]
    assert sample_orders.sent().messages == []
    assert [result_of("lift")["changed"], result_of("lift")["changed"]] == [True, False]


def test_object_stops_and_hands_over(installation):
    sample_orders.invited(sample_orders.shop())

    assert result_of("object") == {"done": "object", "known": True, "copy_sent": True}
    assert sample_orders.sent().messages == []


def test_each_objection_that_staff_answer_is_in_the_register(installation):
    for _ in range(2):
        result_of("object", given="stranger@mail.example")

    assert my_data_pages.register() == [("object", "done", "command line")] * 2


def test_correct_takes_a_line_for_each_field(installation):
    order_id = sample_orders.invited(sample_orders.shop())

    result_of("correct", given=f"{my_data_pages.JAN}\nname=Jan Janssen\nemail=new@mail.example")

    row = sample_orders.order_row(order_id)
    assert (row.name, row.email) == ("Jan Janssen", "new@mail.example")


@pytest.mark.parametrize("deed", ["tell", "forget", "restrict", "lift", "object", "correct"])
@pytest.mark.parametrize("address", ["", "nonsense", "a@b", "x\nwrong=1"])
def test_what_is_no_address_ends_with_a_sentence_that_does_not_repeat_it(
    installation, deed, address
):
    done = run(deed, given=address)

    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert "nonsense" not in done.output
    assert my_data_pages.register() == []


def test_no_address_is_taken_from_the_command_line(installation):
    assert run("forget", my_data_pages.JAN).exit_code == 2


@pytest.mark.parametrize("deed", ["tell", "correct", "forget", "restrict", "lift", "object"])
@pytest.mark.parametrize("bad", [b"\xff\xfe\n", b"jan@mail.example\nname=\xff\n"])
def test_what_is_no_text_is_refused_in_a_sentence_without_a_word_of_it(installation, deed, bad):
    with quiet():
        done = CliRunner().invoke(cli.main, ["person", deed], input=bad)

    assert done.exit_code == 1
    assert "Write UTF-8" in done.output
    assert "jan@" not in f"{done.output}{done.exception!r}"


@pytest.mark.parametrize("deed", ["tell", "forget", "restrict", "lift", "object"])
def test_two_addresses_are_refused_and_not_one_of_them_served(installation, deed):
    order_id = sample_orders.invited(sample_orders.shop())

    done = run(deed, given=f"{my_data_pages.JAN}\neva@mail.example")

    assert done.exit_code == 1
    assert sample_orders.order_row(order_id).email == my_data_pages.JAN
    assert my_data_pages.register() == []
