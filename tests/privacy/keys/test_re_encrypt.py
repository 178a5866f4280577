"""After a rotation everything is re-encrypted, and an older key goes when nothing needs it."""

import threading
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import LargeBinary, select, text, type_coerce

from tests import all_tables
from tests.invitations import sample_orders
from tests.reviews import sample_reviews
from trustsvc import cli, clock
from trustsvc.crypto import encrypted_column, keyring
from trustsvc.orders import buyer
from trustsvc.orders.models import orders
from trustsvc.privacy.keys import re_encrypt
from trustsvc.reviews.models import reviews
from trustsvc.shops.models import shops
from trustsvc.storage import columns, db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

HOUR = timedelta(hours=1)


def run(*words):
    done = CliRunner().invoke(cli.main, ["keys", *map(str, words)])
    assert "Traceback" not in done.output
    return done


def everything():
    with db.reading() as session:
        return [
            session.execute(select(table).order_by(table.c.id)).all()
            for table in (shops, orders, reviews)
        ]


@pytest.fixture
def full(installation):
    sample_reviews.review(sample_reviews.shop())
    for number in range(7):
        sample_orders.place(sample_orders.shop(name=f"Shop {number}"))
    return installation


def test_every_encrypted_column_is_known_here():
    all_tables.load()

    sealed = {
        t
        for t in columns.metadata.tables.values()
        if any(isinstance(c.type, encrypted_column.EncryptedType) for c in t.columns)
    }

    assert sealed == set(re_encrypt.TABLES)


def test_everything_is_re_encrypted_and_decrypts_to_the_same(full):
    before = everything()
    old = set(re_encrypt.count_key_versions())
    assert run("rotate", "vault").exit_code == 0

    done = run("re-encrypt")

    assert done.exit_code == 0, done.output
    assert everything() == before
    assert old == {1}
    assert set(re_encrypt.count_key_versions()) == {2}
    assert "version 1: 0 columns need it" in done.output
    assert "orders: 8 rows, " in done.output
    assert "0 columns encrypted again" in run("re-encrypt").output


def test_killed_half_way_it_goes_on(full, monkeypatch):
    monkeypatch.setattr(re_encrypt, "BATCH_SIZE", 3)
    keyring.rotate("vault")
    half = re_encrypt.re_encrypt_all()
    for _ in range(5):
        next(half)
    half.close()
    assert set(re_encrypt.count_key_versions()) == {1, 2}
    with db.reading() as session:
        assert len(buyer.read(session, range(100))) > 0  # both open all the while

    assert sum(1 for _ in re_encrypt.re_encrypt_all()) > 5
    assert set(re_encrypt.count_key_versions()) == {2}


def test_what_is_changed_meanwhile_is_not_undone(full, monkeypatch):
    keyring.rotate("vault")
    put = re_encrypt._write_batch

    def changed_in_between(plain, rows):
        if plain.name == "orders":
            with db.transaction() as session:
                session.execute(orders.update().values(name="New name"))
        return put(plain, rows)

    monkeypatch.setattr(re_encrypt, "_write_batch", changed_in_between)
    for _ in re_encrypt.re_encrypt_all():
        pass

    with db.reading() as session:
        assert set(session.scalars(select(orders.c.name))) == {"New name"}
    assert set(re_encrypt.count_key_versions()) == {2}


def test_a_key_goes_only_when_nothing_needs_it_and_nothing_is_under_way(full):
    run("rotate", "vault")
    assert "less than an hour old" in run("retire", 1).output
    with clock.at(clock.now() + 2 * HOUR):
        assert "still need that key" in run("retire", 1).output
        run("re-encrypt")
        assert "still need that key" in run("retire", 2).output
        assert "no older key" in run("retire", 7).output

        assert run("retire", 1).exit_code == 0
    assert [key.version for key in keyring.keys("vault")] == [2]
    assert everything()[2][0].email == "buyer@mail.example"
    assert (full.data / "keys" / "vault").stat().st_mode & 0o777 == 0o600
    assert keyring.rotate("vault").version == 3  # no number is used twice


def test_what_no_key_opens_is_counted_and_left_as_it_is(full):
    with db.transaction() as session:
        session.execute(text("UPDATE staff SET id = id"))
        session.execute(orders.update().where(orders.c.id == 1).values(name="Jan"))
        broken = type_coerce(b"not sealed by us", LargeBinary)
        session.execute(orders.update().where(orders.c.id == 1).values(name=broken))
    keyring.rotate("vault")

    done = run("re-encrypt")

    assert done.exit_code == 1
    assert "1 columns open with none" in done.output


def test_nobody_waits_or_is_refused_while_it_runs(full):
    ended, wrong, read = threading.Event(), [], []

    def use():
        shop = sample_orders.shop(name="Meanwhile")
        while not ended.is_set():
            try:
                order_id = sample_orders.place(shop)
                with db.reading() as session:
                    assert buyer.read(session, [order_id])[order_id].email == "jan@mail.example"
                read.append(1)
            except Exception as problem:  # noqa: BLE001 - each one counts
                wrong.append(problem)

    thread = threading.Thread(target=use)
    thread.start()
    try:
        for _ in range(4):
            keyring.rotate("vault")
            for _ in re_encrypt.re_encrypt_all():
                pass
    finally:
        ended.set()
        thread.join()
    for _ in re_encrypt.re_encrypt_all():
        pass

    assert wrong == []
    assert read
    assert set(re_encrypt.count_key_versions()) == {5}
