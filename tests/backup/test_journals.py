"""One host's file is enough for a restore, and the operator may name those of others."""

import contextlib
import shutil
from datetime import timedelta

import pytest

from tests.backup.backup_commands import elsewhere, run_command
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON
from trustsvc import clock, config
from trustsvc.backup import journals
from trustsvc.registry.opt_out import opt_out, remove_opt_outs
from trustsvc.storage import db, suppression_copy, suppression_entries, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.storage.suppression_entries import JournalEntry
from trustsvc.storage.suppression_journal import Journal

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

DAY = timedelta(days=1)
JAN, EVA, KIM = "jan@mail.example", "eva@mail.example", "kim@mail.example"


@pytest.fixture
def other(installation, tmp_path):
    """Make another host of the same database; the function makes it the present one for a while."""
    place = tmp_path / "other host"
    place.mkdir()
    environ = {
        "TRUSTSVC_DATA": str(place),
        "TRUSTSVC_DATABASE_URL": installation.database_url.replace("+psycopg", ""),
        "TRUSTSVC_REDIS_URL": installation.redis_url,
    }

    @contextlib.contextmanager
    def there():
        shutil.copytree(installation.data / "keys", place / "keys", dirs_exist_ok=True)
        config.use(config.load(environ))
        try:
            yield place
        finally:
            config.use(installation)

    return there


@pytest.fixture
def backup(installation, tmp_path):
    def make():
        assert run_command("backup", tmp_path / "installation.backup").exit_code == 0
        return tmp_path / "installation.backup"

    return make


def out(address):
    with db.transaction() as session:
        opt_out(session, address, EVERY_SHOP, "objection", clock.now())


def invited_all(shop):
    return [sample_orders.invited(shop, email=email, identity=email) for email in (JAN, EVA, KIM)]


def asked():
    return [one.to_address for one in sample_orders.sent(now=NOON + 3 * DAY).messages]


def test_the_file_of_a_host_that_did_nothing_is_enough(
    installation, tmp_path, request, backup, other
):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        invited_all(shop)
        copy = backup()
        out(JAN)
        with other():
            out(EVA)
        with other() as place:
            suppression_copy.copy(NOON, at_once=True)
            shutil.copytree(place / "suppressions", tmp_path / "kept")
        shutil.rmtree(installation.data / "suppressions")
        shutil.copytree(tmp_path / "kept", installation.data / "suppressions")

        with elsewhere(installation, tmp_path, request):
            done = run_command("restore", copy)

            assert "NO INVITATION LEAVES" not in done.output
            assert "2 opt-outs and other requests" in done.output
            assert asked() == [KIM]


def test_without_any_other_hosts_last_seconds_their_files_are_named(
    installation, tmp_path, request, backup, other
):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        invited_all(shop)
        copy = backup()
        out(JAN)
        with other():
            out(EVA)  # and the host was lost before anybody copied it

        with elsewhere(installation, tmp_path, request) as there:
            lost = tmp_path / "other host" / "suppressions" / "journal"
            done = run_command("restore", copy, "--journal", lost)

            assert "2 opt-outs and other requests" in done.output
            assert "NO INVITATION LEAVES" not in done.output
            assert asked() == [KIM]
            assert there.data != installation.data
            with db.reading() as session:
                stored = set(suppression_entries.every(session))
            assert stored == set(suppression_journal.read().lines)
            assert len([one for one in stored if one.kind == "opt_out"]) == 2


def test_a_host_that_never_copied_anything_is_not_taken_for_the_whole(
    installation, tmp_path, request, backup, other
):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        invited_all(shop)
        out(JAN)
        copy = backup()
        with other():
            out(EVA)

        with elsewhere(installation, tmp_path, request, suppressions=False):
            lost = tmp_path / "other host" / "suppressions" / "journal"
            done = run_command("restore", copy, "--journal", lost)

            assert "the file suppressions/journal is not the one of this backup" in done.output
            assert asked() == []
            run_command("restore", "--sending-on")
            assert asked() == [KIM]  # what it has is obeyed all the same


def test_a_copy_of_another_host_from_before_the_backup_is_older(
    installation, tmp_path, request, backup, other
):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        invited_all(shop)
        backup()
        (tmp_path / "installation.backup").unlink()
        with other():
            suppression_copy.copy(NOON, at_once=True)
        out(JAN)
        copy = backup()

        with elsewhere(installation, tmp_path, request, suppressions=False):
            behind = tmp_path / "other host" / "suppressions" / "journal"
            done = run_command("restore", copy, "--journal", behind)

            assert "the file suppressions/journal is older than this backup" in done.output


def test_what_is_no_journal_is_refused_before_anything_is_changed(
    installation, tmp_path, request, backup
):
    copy = backup()
    strange = tmp_path / "strange"
    strange.write_text("something else")

    with elsewhere(installation, tmp_path, request) as there:
        for name in (strange, tmp_path / "none", tmp_path):
            done = run_command("restore", copy, "--journal", name)
            assert done.exit_code
            assert not (there.data / "suppressions" / "restoring").exists()
        assert run_command("restore", copy).exit_code == 0


def test_who_opted_in_again_on_another_host_is_asked(
    installation, tmp_path, request, backup, other
):
    """In the file of the host that wrote the second, the first comes after it."""
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        copy = backup()
        out(JAN)
    with clock.at(NOON + timedelta(minutes=1)), other(), db.transaction() as session:
        (row,) = [one for one in suppression_entries.every(session) if one.kind == "opt_out"]
        remove_opt_outs(session, {EVERY_SHOP: [row.subject]}, clock.now())
    with clock.at(NOON + timedelta(minutes=2)):
        with other() as place:
            suppression_copy.copy(clock.now(), at_once=True)
            kinds = [line.kind for line in suppression_journal.read().lines]
            assert kinds.index("opt_in_again") < kinds.index("opt_out")
            shutil.copytree(place / "suppressions", tmp_path / "kept")
        with elsewhere(installation, tmp_path, request, suppressions=False) as there:
            shutil.copytree(tmp_path / "kept", there.data / "suppressions")
            run_command("restore", copy)
            sample_orders.invited(shop, email=JAN)
            assert asked() == [JAN]


def line(number, row, kind="opt_out"):
    subject = b"\x01\x01" + number.to_bytes(16, "big")
    return JournalEntry(kind, subject, 0, NOON, "stop", row)


def test_the_entries_of_several_files_are_in_the_order_of_their_rows_each_once():
    old = Journal("a" * 32, (line(1, 0), line(2, 0), line(4, 7), line(3, 5)), 0, 0)
    new = Journal("b" * 32, (line(3, 5), line(1, 2), line(5, 9), line(2, 3)), 0, 0)

    found = journals.union([old, new])

    assert found == [line(n, 0) for n in (1, 2, 3, 4, 5)]
    assert journals.union([]) == []
