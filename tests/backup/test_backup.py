"""Tests:
trustsvc/backup/database.py
trustsvc/backup/manifest.py
trustsvc/backup/restore.py
trustsvc/cli/backup.py
trustsvc/cli/restore.py
"""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.backup.backup_commands import elsewhere, flip, run_command
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON
from trustsvc import __version__, clock, clock_check, config, migrations
from trustsvc.backup import archive, create, scratch
from trustsvc.cli import data_folder_lock
from trustsvc.errors import Misconfigured, Refused
from trustsvc.mail.outbox import send_suspension
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import orders
from trustsvc.privacy.retention import purge_guard
from trustsvc.registry.check import RegistryQuery, statuses
from trustsvc.registry.opt_out import opt_out
from trustsvc.registry.registration import leave, register
from trustsvc.shops import directory
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

JAN, DAY = "jan@mail.example", timedelta(days=1)


@pytest.fixture
def backup(installation, tmp_path):
    """Name the file of a backup that `made` makes."""
    return tmp_path / "installation.backup"


def made(path):
    done = run_command("backup", path)
    assert done.exit_code == 0, done.output
    return done.output


def answer(shop_id, email=JAN):
    with db.reading() as session:
        return statuses(session, [RegistryQuery(shop_id, email)])[0]


def shops():
    with db.reading() as session:
        return directory.all_shops(session)


def test_a_installation_comes_back_as_it_was_with_its_badges(
    installation, tmp_path, request, backup
):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        order_id = sample_orders.invited(shop)
        before = sample_orders.order_row(order_id)
        output = made(backup)

        with elsewhere(installation, tmp_path, request) as there:
            done = run_command("restore", backup)

            assert done.exit_code == 0, done.output
            assert "NO INVITATION LEAVES" not in done.output
            assert sample_orders.order_row(order_id) == before
            assert migrations.is_current()
            assert (there.data / "public" / "badge" / "v1" / f"{shop.slug}.json").is_file()
            assert list(there.data.glob(".restore-*")) == []
            later = NOON + 3 * DAY
            assert [x.to_address for x in sample_orders.sent(now=later).messages] == [JAN]
    assert "keys are NOT in it" in " ".join(output.split())


def test_a_backup_is_for_its_owner_alone_and_holds_no_key_and_no_address(installation, backup):
    sample_orders.invited(sample_orders.shop())

    made(backup)

    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [path.name for path in backup.parent.glob(".trustsvc-backup-*")] == []
    content = backup.read_bytes()
    assert JAN.encode() not in content
    for key in (installation.data / "keys").iterdir():
        for line in key.read_text().splitlines():
            assert line.split()[1].encode() not in content


def test_a_backup_overwrites_nothing(installation, backup):
    backup.write_text("mine")

    done = run_command("backup", backup)

    assert done.exit_code == 1
    assert "overwrites nothing" in done.output
    assert backup.read_text() == "mine"


def test_a_backup_needs_no_redis(installation, tmp_path, backup):
    changed = {"TRUSTSVC_REDIS_URL": "redis://127.0.0.1:1", "TRUSTSVC_DATA": str(installation.data)}
    url = installation.database_url
    config.use(config.load(changed | {"TRUSTSVC_DATABASE_URL": url.replace("+psycopg", "")}))

    made(backup)

    assert archive.check(backup)[0].migration == migrations.revision()


def test_a_backup_taken_while_orders_come_in_is_of_one_moment(
    installation, tmp_path, request, backup
):
    shop = sample_orders.shop()
    ended = threading.Event()
    count = 0

    def write():
        nonlocal count
        while not ended.is_set():
            sample_orders.place(shop)
            count += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while count < 5:
            assert writer.is_alive()
        made(backup)
    finally:
        ended.set()
        writer.join()

    with elsewhere(installation, tmp_path, request):
        assert run_command("restore", backup).exit_code == 0
        with db.reading() as session:
            kept = session.scalar(select(func.count()).select_from(orders))
            last = session.scalar(select(func.max(orders.c.id)))
    assert 5 <= kept <= count
    assert kept == last


@pytest.mark.parametrize("at", [0, 12, 40, 300, 5000, -20, -1])
def test_a_backup_with_a_flipped_byte_is_refused(installation, tmp_path, request, backup, at):
    made(backup)
    flip(backup, at)

    with elsewhere(installation, tmp_path, request) as there:
        done = run_command("restore", backup)

        assert done.exit_code == 1
        assert "damaged" in done.output
        assert not (there.data / "trustsvc.db").exists()
        assert not send_suspension.unfinished().exists()


@pytest.mark.parametrize("content", [b"", b"trustsvc-backup 1\n", b"something else\n"])
def test_what_is_no_backup_is_refused_with_a_sentence(installation, backup, content):
    backup.write_bytes(content)

    done = run_command("restore", backup)

    assert done.exit_code == 1
    assert "Error: " in done.output


def test_a_shortened_backup_is_refused(installation, tmp_path, request, backup):
    made(backup)
    backup.write_bytes(backup.read_bytes()[:-100])

    with elsewhere(installation, tmp_path, request):
        assert "damaged" in run_command("restore", backup).output


def test_a_installation_that_is_not_empty_is_left_alone(installation, backup):
    shop = sample_orders.shop()
    made(backup)

    done = run_command("restore", backup)

    assert done.exit_code == 1
    assert "not empty" in done.output
    assert [one.id for one in shops()] == [shop.id]
    assert not send_suspension.unfinished().exists()


@pytest.mark.parametrize("kind", ["vault", "registry", "lookup", "link"])
def test_without_its_keys_nothing_is_restored_and_no_key_is_made(
    installation, tmp_path, request, backup, kind
):
    made(backup)

    with elsewhere(installation, tmp_path, request) as there:
        (there.data / "keys" / kind).unlink()
        done = run_command("restore", backup)

        assert done.exit_code == 1
        assert f"`{kind}` version 1" in done.output
        assert not (there.data / "keys" / kind).exists()


def test_another_kind_of_database_is_refused(installation, tmp_path, backup):
    made(backup)
    other = {"TRUSTSVC_DATA": str(tmp_path / "other")}
    if installation.database_url.startswith("sqlite"):
        other["TRUSTSVC_DATABASE_URL"] = "postgresql://nobody@/none"
    config.use(config.load(other))

    assert "same kind" in run_command("restore", backup).output


def test_who_opted_out_after_the_backup_gets_no_message(installation, tmp_path, request, backup):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    elsewhere_shop = sample_orders.shop(delay=3, delay_unit="days", name="Another")
    with clock.at(NOON):
        mine = sample_orders.invited(shop)
        theirs = sample_orders.invited(elsewhere_shop, email="eva@mail.example")
        sample_orders.invited(elsewhere_shop, email="kim@mail.example")
        made(backup)
        with db.transaction() as session:
            opt_out(session, JAN, shop.id, "stop", NOON)
            opt_out(session, "eva@mail.example", EVERY_SHOP, "objection", NOON)

        with elsewhere(installation, tmp_path, request):
            done = run_command("restore", backup)

            assert "2 opt-outs and other requests" in done.output
            assert sample_orders.order_row(mine).email is None
            post = sample_orders.sent(now=NOON + 3 * DAY)
            assert [email_message.to_address for email_message in post.messages] == [
                "kim@mail.example"
            ]
            assert sample_orders.message_of(mine).state == "dropped"
            assert sample_orders.message_of(theirs).state == "dropped"


def test_who_left_the_registry_after_the_backup_is_not_registered_again(
    installation, tmp_path, request, backup
):
    shop = sample_orders.shop()
    with db.transaction() as session:
        register(session, JAN, "1", "test", NOON)
        register(session, "eva@mail.example", "1", "test", NOON)
        leave(session, "eva@mail.example")
        register(session, "eva@mail.example", "1", "test", clock.now() + DAY)
    made(backup)
    with db.transaction() as session:
        leave(session, JAN)

    with elsewhere(installation, tmp_path, request):
        assert run_command("restore", backup).exit_code == 0
        assert answer(shop.id).registered is False
        assert answer(shop.id, "eva@mail.example").registered is True


def broken_book(installation, how):
    path = installation.data / "suppressions" / "journal"
    if how == "older_suppressions":
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-1]))
    elif how == "damaged_suppressions":
        path.write_bytes(path.read_bytes() + b"opt_out 0 00 1 stop\n")
    elif how == "other_suppressions":
        path.unlink()
        suppression_journal.create()
    else:
        path.unlink()


@pytest.mark.parametrize(
    "how",
    ["no_suppressions", "other_suppressions", "older_suppressions", "damaged_suppressions"],
)
def test_without_the_right_file_no_message_leaves_until_the_operator_says_so(
    installation, tmp_path, request, backup, how
):
    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        order_id = sample_orders.invited(shop)
        with db.transaction() as session:
            opt_out(session, "eva@mail.example", EVERY_SHOP, "objection", NOON)
        made(backup)
        broken_book(installation, how)

        with elsewhere(installation, tmp_path, request):
            done = run_command("restore", backup)
            assert "NO INVITATION LEAVES" in done.output
            assert sample_orders.sent(now=NOON + 3 * DAY).messages == []
            assert sample_orders.message_of(order_id).state == "due"
            assert how in run_command("doctor").output

            assert "leave again" in run_command("restore", "--sending-on").output
            assert len(sample_orders.sent(now=NOON + 3 * DAY).messages) == 1
            assert "No restore suspends" in run_command("restore", "--sending-on").output


def test_a_message_that_may_have_left_since_is_set_aside(installation, tmp_path, request, backup):
    shop = sample_orders.shop()
    with clock.at(NOON):
        order_id = sample_orders.invited(shop)
        unplanned = sample_orders.place(shop, email="eva@mail.example")
        made(backup)
        assert len(sample_orders.sent().messages) == 1

    with clock.at(NOON + DAY), elsewhere(installation, tmp_path, request):
        done = run_command("restore", backup)

        assert "2 e-mails may have left" in done.output
        assert sample_orders.message_of(order_id).state == "unknown"
        assert sample_orders.message_of(unplanned).state == "unknown"
        assert ("restore", "restored", "unknown") in sample_orders.decisions_of(order_id)
        assert sample_orders.sent(now=NOON + 5 * DAY).messages == []


def test_a_reminder_that_may_have_left_since_is_set_aside(installation, tmp_path, request, backup):
    shop = sample_orders.shop(reminder_days=7)
    with clock.at(NOON):
        order_id = sample_orders.invited(shop)
        sample_orders.sent()
        made(backup)

    with clock.at(NOON + 9 * DAY), elsewhere(installation, tmp_path, request):
        run_command("restore", backup)

        assert sample_orders.message_of(order_id, "reminder").state == "unknown"
        assert sample_orders.sent(now=NOON + 12 * DAY).messages == []


def test_a_installation_that_only_moved_sends_what_waits(installation, tmp_path, request, backup):
    shop = sample_orders.shop()
    with clock.at(NOON):
        sample_orders.invited(shop)
        made(backup)

        with elsewhere(installation, tmp_path, request):
            assert run_command("restore", backup, "--nothing-sent-since").exit_code == 0
            assert len(sample_orders.sent().messages) == 1


def test_while_a_restore_runs_or_after_it_broke_off_no_message_leaves(installation):
    order_id = sample_orders.invited(sample_orders.shop())
    suppression_journal.create()
    send_suspension.unfinished().touch()

    assert sample_orders.sent().messages == []
    assert sample_orders.message_of(order_id).state == "due"
    assert "not_finished" in run_command("doctor").output
    done = run_command("restore", "--sending-on")
    assert done.exit_code == 1
    assert "did not end" in done.output


def test_a_backup_of_a_newer_trustsvc_is_refused(installation, tmp_path, request, backup):
    from sqlalchemy import text

    with db.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    made(backup)

    with elsewhere(installation, tmp_path, request) as there:
        done = run_command("restore", backup)
        assert not (there.data / "trustsvc.db").exists()

    assert done.exit_code == 1
    (sentence,) = done.output.strip().splitlines()
    assert f"made by trustsvc {__version__}, at migration 9999;" in sentence
    assert f"this is {migrations.this()}, which is older" in sentence
    assert "install" in sentence


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b"trustsvc-backup 1\n", b"trustsvc-backup 2\n", 1),
        lambda content: content.replace(b'"format":1', b'"format":2', 1),
        lambda content: content.replace(b'"format":1,', b'"format":2,"more":[1],', 1).replace(
            b'"canary"', b'"renamed"', 1
        ),
    ],
)
def test_a_backup_in_another_format_is_refused_with_both_versions(
    installation, tmp_path, request, backup, change
):
    made(backup)
    forged(backup, lambda content: change(content).replace(__version__.encode(), b"7.8.9", 1))

    with elsewhere(installation, tmp_path, request):
        done = run_command("restore", backup)

    assert done.exit_code == 1
    assert "made by trustsvc 7.8.9, in format 2;" in done.output
    assert f"this is trustsvc {__version__}, which reads format 1" in done.output


def test_what_a_manifest_says_of_its_maker_is_not_repeated_unless_it_is_a_version(
    installation, backup
):
    made(backup)
    name = f'"trustsvc":"{__version__}"'.encode()
    forged(
        backup,
        lambda content: content.replace(b"backup 1\n", b"backup 2\n", 1).replace(
            name, b'"trustsvc":"\\u001b[31mrm -rf"', 1
        ),
    )

    output = run_command("restore", backup).output

    assert "made by another trustsvc, in format 2;" in output
    assert "rm -rf" not in output


@pytest.mark.parametrize("number", ["0001", "0002"])
def test_a_backup_of_an_older_schema_is_restored_and_migrated(
    installation, tmp_path, request, backup, number
):
    migrations.downgrade(number)
    made(backup)
    migrations.upgrade()

    with elsewhere(installation, tmp_path, request):
        assert run_command("restore", backup).exit_code == 0
        assert migrations.is_current()


def test_missing_client_programs_are_named(installation, backup, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    done = run_command("backup", backup)

    is_sqlite = installation.database_url.startswith("sqlite")
    assert done.exit_code == (0 if is_sqlite else 1)
    assert is_sqlite or "pg_dump is not installed" in done.output
    assert backup.exists() == is_sqlite


@pytest.mark.parametrize("words", [("backup",), ("restore",), ("restore", "x", "--sending-on")])
def test_nonsense_ends_with_a_sentence(installation, words):
    done = run_command(*words)

    assert done.exit_code == 2
    assert "Error" in done.output


def test_messages_are_taken_back_from_a_sender_that_had_them(
    installation, tmp_path, request, backup
):
    with clock.at(NOON):
        order_id = sample_orders.invited(sample_orders.shop(delay=1, delay_unit="days"))
        with db.transaction() as session:
            session.execute(
                update(messages).values(state="leased", lease=b"x", leased_until=NOON + DAY)
            )
        made(backup)
        with elsewhere(installation, tmp_path, request):
            run_command("restore", backup)

            assert sample_orders.message_of(order_id).state == "unknown"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_folder_of_the_data_may_be_gone_altogether(installation, backup):
    made(backup)
    db.dispose_engines()
    keys = installation.data.with_name("kept-keys")
    shutil.move(installation.data / "keys", keys)
    shutil.rmtree(installation.data)
    installation.data.mkdir()
    shutil.move(keys, installation.data / "keys")

    done = run_command("restore", backup)

    assert done.exit_code == 0, done.output
    assert "NO INVITATION LEAVES" in done.output


def test_a_restore_that_breaks_off_lets_no_message_leave(
    installation, tmp_path, request, backup, monkeypatch
):
    from trustsvc.backup import replay

    def broken(*_):
        raise OSError("the disk is full")

    shop = sample_orders.shop(delay=3, delay_unit="days")
    with clock.at(NOON):
        order_id = sample_orders.invited(shop)
        made(backup)

        with elsewhere(installation, tmp_path, request):
            with monkeypatch.context() as patched:
                patched.setattr(replay, "replay", broken)
                assert run_command("restore", backup).exit_code == 1

            assert sample_orders.sent(now=NOON + 3 * DAY).messages == []
            assert sample_orders.message_of(order_id).state == "due"
            assert "not empty" in run_command("restore", backup).output
            assert run_command("restore", "--sending-on").exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_disk_that_is_full_in_the_middle_ends_in_a_sentence_and_leaves_nothing(
    installation, backup
):
    db.dispose_engines()
    do = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from trustsvc.cli import main; main(['backup', sys.argv[1]])"
    )
    environ = {"TRUSTSVC_DATA": str(installation.data), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", do, backup], env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "could not be" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path for path in backup.parent.iterdir() if "backup" in path.name] == []


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_restore_on_a_full_disk_leaves_an_empty_installation_that_can_be_restored_again(
    installation, tmp_path, request, backup
):
    made(backup)
    do = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from trustsvc.cli import main; main(['restore', sys.argv[1]])"
    )
    with elsewhere(installation, tmp_path, request) as there:
        environ = {"TRUSTSVC_DATA": str(there.data), "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-c", do, backup]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert not (there.data / "trustsvc.db").exists()
        assert list(there.data.glob(".restore-*")) == []
        assert run_command("restore", backup).exit_code == 0


def test_what_a_killed_backup_left_is_cleared_away_and_a_running_one_s_is_not(installation, backup):
    left = backup.parent / ".trustsvc-backup-killed"
    left.mkdir()
    (left / "database").write_text("everything")
    with scratch.scratch_folder(backup.parent, ".trustsvc-backup-") as running:
        made(backup)

        assert running.is_dir()
    assert not left.exists()


def test_two_backups_at_once_into_one_file_are_one(installation, backup):
    answers = []

    def back_up():
        with contextlib.suppress(Refused):
            answers.append(create.write(backup, clock.now()))

    threads = [threading.Thread(target=back_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 1
    assert archive.check(backup)[0] == answers[0]


def test_a_pipe_or_a_folder_is_no_backup_and_nobody_waits_for_it(installation, tmp_path):
    os.mkfifo(tmp_path / "pipe")

    assert "cannot be read" in run_command("restore", tmp_path / "pipe").output
    assert run_command("restore", tmp_path).exit_code == 2


def test_a_link_that_leads_nowhere_is_not_followed(installation, tmp_path, backup):
    backup.symlink_to(tmp_path / "elsewhere.backup")

    assert "overwrites nothing" in run_command("backup", backup).output
    assert not (tmp_path / "elsewhere.backup").exists()


def test_a_manifest_that_lies_about_the_size_is_refused(installation, tmp_path, request, backup):
    made(backup)
    forged(backup, lambda content: content.replace(b'"size":', b'"size":1', 1))

    with elsewhere(installation, tmp_path, request):
        assert "damaged" in run_command("restore", backup).output


def forged(path, change):
    """Change what is in a backup, and make its checksum right again."""
    from cryptography.hazmat.primitives import hashes

    content = change(path.read_bytes()[:-32])
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    path.write_bytes(content + digest.finalize())


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content.replace(b'"suppressions_lines":1', b'"suppressions_lines":9'),
        lambda content: content.replace(b'"mac":"', b'"mac":"0', 1),
    ],
)
def test_a_backup_that_somebody_changed_is_refused_though_its_checksum_is_right(
    installation, tmp_path, request, backup, change
):
    made(backup)
    forged(backup, change)

    with elsewhere(installation, tmp_path, request) as there:
        done = run_command("restore", backup)

        assert done.exit_code == 1
        assert "was changed" in done.output
        assert not (there.data / "trustsvc.db").exists()


def test_a_large_purge_waits_on_a_machine_that_was_just_restored(
    installation, tmp_path, request, backup
):
    made(backup)

    with elsewhere(installation, tmp_path, request):
        run_command("restore", backup)

        assert purge_guard.clock_problem() == clock_check.GAP
        with db.reading() as session:
            assert send_suspension.stops(session) == {}


def test_no_restore_while_any_process_of_ours_works_on_the_folder(installation, backup):
    made(backup)

    with data_folder_lock.shared():
        assert "runs on this data folder" in run_command("restore", backup).output
    with (
        data_folder_lock.exclusive(),
        pytest.raises(Misconfigured, match="restored"),
        data_folder_lock.shared(),
    ):
        pass
