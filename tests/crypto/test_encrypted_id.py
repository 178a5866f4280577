"""Encrypted ids: found by equality under every key, of no use without the vault key."""

import pytest
from cryptography.fernet import InvalidToken
from sqlalchemy import select, text

from tests.invitations.sample_orders import invitation_of, invited, shop
from tests.key_rotation import add_key, drop_oldest
from trustsvc.crypto import encrypted_id, id_hashes, keyring, signed_links
from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations
from trustsvc.shops import directory, webhook_auth
from trustsvc.shops.models import shops
from trustsvc.storage import db


def test_one_id_gives_the_same_bytes_of_which_nothing_of_it_is_left(installation):
    plain = signed_links.new_id()

    stored = encrypted_id.encrypt(plain)

    assert stored == encrypted_id.encrypt(plain)
    assert encrypted_id.decrypt(stored) == plain
    assert (len(stored), stored[0]) == (33, 1)
    assert not any(plain[at : at + 4] in stored for at in range(13))


@pytest.mark.both_databases
def test_an_id_is_found_and_read_after_a_rotation_of_the_key(installation):
    at_shop = shop()
    before = invitation_of(invited(at_shop))
    add_key(installation, "vault")
    after = invitation_of(invited(at_shop, email="ada@mail.example"))

    with db.reading() as session:
        assert redeem.find(session, before.link).id == before.id
        assert redeem.find(session, after.link).id == after.id
        assert webhook_auth.endpoint_shop_id(session, "standard", at_shop.endpoint_id) == at_shop.id
        assert directory.by_id(session, at_shop.id).endpoint_id == at_shop.endpoint_id
        assert session.scalar(select(shops.c.id).where(shops.c.endpoint_id == at_shop.endpoint_id))
        raw = session.scalars(text("SELECT link FROM invitations ORDER BY id")).all()
    assert [bytes(one)[0] for one in raw] == [1, 2]


def test_without_its_key_and_changed_by_a_byte_it_does_not_open(installation):
    stored = encrypted_id.encrypt(b"0123456789abcdef")
    changed = stored[:-1] + bytes((stored[-1] ^ 1,))
    add_key(installation, "vault")
    for wrong in (changed, b"", b"\1", stored[:17], b"0123456789abcdef"):
        with pytest.raises(InvalidToken):
            encrypted_id.decrypt(wrong)
    drop_oldest(installation, "vault")
    with pytest.raises(InvalidToken):
        encrypted_id.decrypt(stored)


def test_the_key_of_ids_is_not_that_of_the_other_columns(installation):
    cipher = encrypted_id._cipher(keyring.newest_key("vault"))

    assert cipher is encrypted_id._cipher(keyring.newest_key("vault"))
    assert encrypted_id.AESSIV(keyring.newest_key("vault").secret).encrypt(
        b"0123456789abcdef", None
    ) not in encrypted_id.encrypt(b"0123456789abcdef")


def test_what_a_request_names_may_be_no_text_at_all(installation):
    shop()
    with db.reading() as session:
        for name in ("\udcff", "\x00", "é" * 300, ""):
            assert webhook_auth.endpoint_shop_id(session, "standard", name) is None


def test_the_index_finds_an_id(installation):
    link = invitation_of(invited(shop())).link
    with db.reading() as session:
        query = select(invitations.c.id).where(invitations.c.link == link)
        sql = query.compile(db.engine(), compile_kwargs={"render_postcompile": True})
        steps = session.connection().exec_driver_sql(
            f"EXPLAIN QUERY PLAN {sql}", tuple(sql.params.values())
        )
        assert "SEARCH invitations USING COVERING INDEX" in str(steps.all())


def test_hashes_of_ids_are_found_after_a_rotation_and_differ_by_key(installation):
    secret_id = signed_links.new_id()
    before = id_hashes.id_hash(secret_id)
    add_key(installation, "link")

    assert id_hashes.id_hashes(secret_id) == [before, id_hashes.id_hash(secret_id)]
    assert before != id_hashes.id_hash(secret_id)


def test_any_other_comparison_would_try_one_key_alone_and_is_refused():
    for compare in (
        lambda link: link.in_([b"x"]),
        lambda link: link != b"x",
        lambda link: link > b"x",
    ):
        with pytest.raises(NotImplementedError):
            compare(invitations.c.link)
