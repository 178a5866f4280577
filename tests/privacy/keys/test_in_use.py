"""An older key of the registry or of the look-ups goes when nothing made with it is left."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, update

from tests.key_rotation import add_key
from tests.reviews.sample_reviews import order, shop
from trustsvc import cli, clock
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.orders.models import orders
from trustsvc.privacy.keys import in_use
from trustsvc.registry import opt_out, restriction
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.storage.suppression_entries import suppression_entries

pytestmark = pytest.mark.both_databases


def run(*words):
    with clock.at(clock.now() + timedelta(hours=2)):  # the newest key is settled by then
        return CliRunner().invoke(cli.main, ["keys", *words])


def needed():
    with db.reading() as session:
        return dict(in_use.count_pseudonyms(session))


def out(address, shop_id):
    with db.transaction() as session:
        opt_out.opt_out(session, address, shop_id, "stop", clock.now())


def test_each_pseudonym_counts_for_the_key_it_was_made_with(installation):
    at_shop = shop()
    order(
        at_shop,
        buyer_pseudonym=pseudonyms.shop_pseudonym(at_shop.id, "a@mail.example"),
        identity=b"none",
    )
    out("a@mail.example", EVERY_SHOP)
    add_key(installation, "registry")
    out("b@mail.example", EVERY_SHOP)
    out("b@mail.example", at_shop.id)
    with db.transaction() as session:
        restriction.restrict(
            session, [pseudonyms.registry_pseudonym("b@mail.example")], 0, clock.now()
        )

    # Each is one row, and one row and one line of the suppression journal.
    assert needed() == {("registry", 1): 3, ("registry", 2): 6, ("lookup", 1): 4}
    output = run("usage").output
    assert "registry version 1: 3 pseudonyms need it" in output
    assert "lookup version 1: 4 pseudonyms need it" in output


@pytest.mark.parametrize("left", ["row", "line", "row of the journal"])
def test_a_key_that_something_needs_stays(installation, left):
    out("a@mail.example", EVERY_SHOP)
    add_key(installation, "registry")
    if left != "line":
        suppression_journal.path().unlink()
    with db.transaction() as session:
        if left != "row":
            session.execute(delete(opt_outs))
        if left != "row of the journal":
            session.execute(delete(suppression_entries))

    assert "1 pseudonyms still need that key" in run("retire", "1", "--kind", "registry").output
    assert [key.version for key in keyring.keys("registry")] == [1, 2]


@pytest.mark.parametrize("kind", in_use.KINDS)
def test_a_key_that_nothing_needs_goes_and_the_newest_never(installation, kind):
    add_key(installation, kind)
    at_shop = shop()
    order(at_shop, buyer_pseudonym=pseudonyms.shop_pseudonym(at_shop.id, "a@mail.example"))
    out("a@mail.example", EVERY_SHOP)
    with db.transaction() as session:
        session.execute(update(orders).values(identity=b"none"))

    assert run("retire", "2", "--kind", kind).exit_code == 1
    assert run("retire", "1", "--kind", kind).exit_code == 0
    assert [key.version for key in keyring.keys(kind)] == [2]
