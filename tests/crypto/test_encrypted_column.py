import pytest
from cryptography.fernet import InvalidToken
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import select, text

from tests.invitations.sample_orders import place, shop
from tests.key_rotation import add_key, drop_oldest
from trustsvc import config
from trustsvc.crypto import encrypted_column
from trustsvc.orders.models import orders
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path_factory.mktemp("keys"))}))
    yield config.current()
    config.use(None)


@given(some.text(some.characters(codec="utf-8"), max_size=300))
def test_what_is_sealed_comes_back(steady, words):
    assert encrypted_column.decrypt(encrypted_column.encrypt(words)) == words


def test_the_same_words_are_sealed_differently_each_time(steady):
    assert encrypted_column.encrypt("jan@example.com") != encrypted_column.encrypt(
        "jan@example.com"
    )


def test_what_was_changed_does_not_open(steady):
    sealed = encrypted_column.encrypt("jan@example.com")

    with pytest.raises(InvalidToken):
        encrypted_column.decrypt(sealed[:-5] + b"AAAA=")


def test_a_sealed_column_is_words_to_us_and_noise_in_the_database(installation):
    order_id = place(shop(), email="canary@example.com", name="Canary")

    with db.reading() as session:
        row = session.execute(select(orders).where(orders.c.id == order_id)).one()
        raw = session.execute(text("SELECT email, name, reference FROM orders")).one()
    assert (row.email, row.name) == ("canary@example.com", "Canary")
    assert not any(b"canary" in bytes(value).lower() for value in raw)


def test_rotation_opens_the_old_and_seals_with_the_new(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path)}))
    try:
        old = encrypted_column.encrypt("words")
        add_key(config.current(), "vault")
        new = encrypted_column.encrypt("words")
        assert encrypted_column.decrypt(old) == encrypted_column.decrypt(new) == "words"

        drop_oldest(config.current(), "vault")
        assert encrypted_column.decrypt(new) == "words"
        with pytest.raises(InvalidToken):
            encrypted_column.decrypt(old)
    finally:
        config.use(None)
