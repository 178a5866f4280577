import pytest
from sqlalchemy import select

from trustsvc.crypto import keyring
from trustsvc.errors import Misconfigured
from trustsvc.storage import db, key_checks

pytestmark = pytest.mark.both_databases


def record():
    with db.transaction() as session:
        key_checks.record(session)


def mismatches():
    with db.reading() as session:
        return key_checks.mismatches(session)


def replace(installation, kind):
    (installation.data / "keys" / kind).unlink()
    return keyring.keys(kind)


def test_keys_that_were_recorded_match(installation):
    record()
    record()

    assert mismatches() == {}
    with db.reading() as session:
        kinds = session.scalars(select(key_checks.key_checks.c.kind)).all()
    assert sorted(kinds) == sorted(keyring.KINDS)


@pytest.mark.parametrize("kind", sorted(keyring.KINDS))
def test_another_key_of_the_same_version_is_named(installation, kind):
    record()

    replace(installation, kind)
    record()  # which takes nothing back

    assert mismatches() == {kind: "another one than this database knows"}


def test_a_folder_without_the_newest_key_is_named(installation):
    path = installation.data / "keys" / "registry"
    before = path.read_text()
    keyring.rotate("registry")
    record()
    path.write_text(before)

    assert mismatches() == {"registry": "version 2 is missing"}


def test_a_key_that_was_rotated_or_retired_matches(installation):
    record()
    keyring.rotate("link")
    keyring.rotate("vault")
    record()

    keyring.retire("link", 1)

    assert mismatches() == {}


def test_a_check_value_gives_nothing_of_its_key_away(installation):
    (key,) = keyring.keys("vault")

    value = key_checks.value("vault", key)

    assert len(bytes.fromhex(value)) == 8
    assert value not in key.secret.hex()
    assert value != key_checks.value("link", key)


def test_a_first_key_is_made_only_where_the_database_knows_none(installation):
    key_checks.require_first("lookup")
    record()

    for kind in keyring.KINDS:
        with pytest.raises(Misconfigured, match="copy the folder keys"):
            key_checks.require_first(kind)


def test_a_database_without_tables_knows_no_key(installation):
    with db.transaction() as session:
        key_checks.key_checks.drop(session.connection())

    key_checks.require_first("lookup")


def test_a_key_that_the_database_knows_is_not_made_again(installation, monkeypatch):
    record()
    path = installation.data / "keys" / "lookup"
    path.unlink()
    monkeypatch.setattr(keyring, "_require_first", key_checks.require_first)

    with pytest.raises(Misconfigured, match="The key lookup of this database is not here"):
        keyring.keys("lookup")

    assert not path.exists()
