import re

import pytest
from sqlalchemy import select, update

from tests.backup.backup_commands import run_command
from tests.reviews.sample_reviews import invitation, order, review, shop
from tests.transactional_mail.test_message_kind import sent_transactional
from trustsvc import clock, i18n
from trustsvc.privacy.models import disclosure_log
from trustsvc.shops.models import shops
from trustsvc.storage import db


def ask(*words):
    return run_command("privacy", *words)


def audit():
    with db.reading() as session:
        return session.execute(select(disclosure_log)).all()


def test_the_documents_are_written_into_the_given_folder(installation, tmp_path):
    shop()
    folder = tmp_path / "officer" / "documents"

    assert "12 documents" in ask("documents", "--out", folder).stdout
    assert len(list(folder.glob("*.html"))) == 3 * len(i18n.LANGUAGES)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    ask("documents", "--out", folder)
    assert first == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_without_a_folder_they_lie_in_the_data_folder(installation):
    ask("documents")

    assert (installation.data / "documents" / "record.en.html").exists()


def test_announce_says_how_many_a_change_concerns_and_writes_the_version_down(installation):
    at_shop = shop()
    now = clock.now()
    invitation(at_shop, order(at_shop), sent_at=now)
    ask("announce", "--shop", "velo-fils")
    with db.transaction() as session:
        session.execute(update(shops).values(cap_days=200))

    output = ask("announce", "--shop", "velo-fils").stdout

    assert "Version 2" in output
    assert "not announced" in output
    assert re.search(r"1  people whose address is held: 1 invited buyers, 0 authors", output)
    assert "@mail.example" not in output


def test_announce_writes_to_the_people_affected_and_only_once(installation):
    at_shop = shop()
    invitation(at_shop, order(at_shop), sent_at=clock.now())
    ask("announce", "--shop", "velo-fils")
    with db.transaction() as session:
        session.execute(update(shops).values(cap_days=200))

    assert "1 e-mails" in ask("announce", "--shop", "velo-fils", "--send").stdout
    assert ask("announce", "--shop", "velo-fils", "--send").exit_code == 1
    (message,) = sent_transactional(now=clock.now()).messages
    assert message.to_address == "buyer@mail.example"
    assert "/privacy/velo-fils" in message.text


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--table", "orders", "--key", "vault:1"),
        ("--key", "vault"),
        ("--key", "nothing:1"),
        ("--key", "vault:99"),
        ("--table", "nothing"),
    ],
)
def test_breach_scope_takes_exactly_one_known_source(installation, words):
    assert ask("breach-scope", *words).exit_code != 0


def test_counts_name_no_people_and_leave_no_line(installation):
    order(shop())
    output = ask("breach-scope", "--table", "orders")

    assert "velo-fils: at least 1 people" in output.stdout
    assert "1  orders: address" in output.stdout
    assert "mail.example" not in output.output
    assert audit() == []


def test_the_list_names_people_and_leaves_a_line_that_names_none(installation):
    order(shop(), name="Ada\x1b[31m")

    output = ask("breach-scope", "--table", "orders", "--list")

    assert "velo-fils\tAda?[31m\tbuyer@mail.example" in output.stdout
    (line,) = audit()
    assert (line.what, line.number) == ("table orders", 1)
    assert line.by
    assert "buyer" not in output.stderr


def test_a_key_and_a_backup_can_be_asked(installation, tmp_path):
    review(shop())
    order(shop("Acme"))
    copy = tmp_path / "installation.backup"
    assert run_command("backup", copy).exit_code == 0
    with db.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM publications")
        session.connection().exec_driver_sql("UPDATE orders SET email = NULL, name = NULL")

    assert "orders: name" not in ask("breach-scope", "--key", "vault:1").stdout
    output = ask("breach-scope", "--backup", copy)
    if db.is_sqlite():
        assert "acme: at least 1 people" in output.stdout
        assert "orders: name" in output.stdout
        assert "velo-fils: at least 1 people" in output.stdout
        assert "reviews: opinion" in output.stdout
        assert [path.name for path in installation.data.glob(".reached-*")] == []
    else:
        assert output.exit_code == 1
        assert "restore it onto an empty database" in output.output


def test_a_key_that_only_signs_concerns_no_people(installation):
    order(shop())

    assert "No personal data" in ask("breach-scope", "--key", "receipt:1").stdout
