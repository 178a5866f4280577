"""`trustsvc bounce` from its pipe and from a maildir.

Also tests:
trustsvc/mail/feedback/maildir_reader.py
"""

import errno
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.invitations.sample_orders import invited, message_of, order_row, sent, shop
from tests.mail.feedback.parsers.corpus import BY_NAME, CODE
from tests.mail.feedback.test_delivery_reports import code_of, reports
from trustsvc import config, log
from trustsvc.cli import main
from trustsvc.mail.feedback.maildir_reader import MaildirReader
from trustsvc.storage import db, suppression_journal
from trustsvc.work_queue import stop_request

HARD = BY_NAME["postfix, Gmail: no such account"]


def piped(message):
    return CliRunner().invoke(main, ["bounce"], input=message)


@pytest.fixture
def asked(installation):
    order_id = invited(shop())
    sent()
    return order_id


def of(order_id, message=HARD):
    return message.replace(CODE.encode(), code_of(order_id).encode())


def test_a_bounce_through_the_pipe_is_processed_and_nothing_is_printed(asked):
    for _ in range(2):
        done = piped(of(asked))
        assert (done.exit_code, done.output) == (0, "")

    assert reports() == [("hard", "5.1.1", "mail")]
    assert order_row(asked).email is None


def test_a_bounce_with_ten_megabytes_behind_it_is_read_to_its_end(asked):
    assert piped(of(asked) + b"x" * 10_000_000).exit_code == 0
    assert message_of(asked).state == "refused"


@pytest.mark.parametrize(
    "message",
    [b"", b"\0\xff", HARD, BY_NAME["out of office"], BY_NAME["feedback: not-spam"]],
    ids=["nothing", "bytes", "forged", "automatic", "not spam"],
)
def test_what_is_no_report_is_accepted_so_that_no_bounce_is_bounced(asked, message):
    done = piped(message)

    assert (done.exit_code, done.output, reports()) == (0, "", [])
    assert order_row(asked).email


def test_arguments_of_the_mail_server_are_neither_read_nor_printed(asked):
    done = CliRunner().invoke(main, ["bounce", "-x", "jan@mail.example", "--to=y"], input=of(asked))

    assert (done.exit_code, done.output) == (0, "")
    assert len(reports()) == 1


def test_a_database_that_is_away_lets_the_mail_server_try_again(installation, capfd):
    config.use(
        config.load(
            {
                "TRUSTSVC_DATA": str(installation.data),
                "TRUSTSVC_DATABASE_URL": "postgresql://trustsvc@/none?host=/nowhere",
            }
        )
    )

    done = piped(HARD)

    assert (done.exit_code, done.stdout) == (75, "")
    assert "jan@example" not in done.output + capfd.readouterr().err


def test_a_suppression_that_cannot_be_written_is_tried_again(asked):
    folder = suppression_journal.path().parent
    folder.mkdir(parents=True, exist_ok=True)
    suppression_journal.path().unlink(missing_ok=True)
    suppression_journal.path().mkdir()

    assert piped(of(asked)).exit_code == 75
    assert reports() == []
    suppression_journal.path().rmdir()
    assert piped(of(asked)).exit_code == 0
    assert len(reports()) == 1


def test_a_setting_that_makes_no_sense_does_not_lose_the_message(installation, monkeypatch):
    config.use(None)
    monkeypatch.setenv("TRUSTSVC_PORT", "none")

    done = piped(HARD)

    assert done.exit_code == 75


def put(folder, *messages):
    (folder / "new").mkdir(parents=True, exist_ok=True)
    for number, message in enumerate(messages):
        (folder / "new" / f"{number}.host").write_bytes(message)


def test_one_process_reads_a_maildir_and_leaves_what_could_not_be_written(asked, tmp_path):
    folder = tmp_path / "returned"
    others = (HARD, BY_NAME["out of office"], b"", b"\0\xff" * 2_000_000)
    put(folder, *others, *[of(asked)] * 2)
    secret = tmp_path / "secret"
    secret.write_text("not a message")
    (folder / "new" / "link").symlink_to(secret)
    journal = suppression_journal.path()
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.unlink(missing_ok=True)
    journal.mkdir()

    done = CliRunner().invoke(main, ["bounce", "--maildir", str(folder)])
    left = sorted(path.name for path in (folder / "new").iterdir())
    assert (done.exit_code, done.stdout, left) == (75, "", ["4.host", "5.host", "link"])
    assert reports() == []

    journal.rmdir()
    done = CliRunner().invoke(main, ["bounce", "--maildir", str(folder)])
    assert (done.exit_code, done.output) == (0, "")
    assert [path.name for path in (folder / "new").iterdir()] == ["link"]
    assert secret.read_text() == "not a message"
    assert reports() == [("hard", "5.1.1", "mail")]


def test_it_watches_a_maildir_until_it_is_asked_to_stop(asked, tmp_path, monkeypatch):
    put(tmp_path)
    rounds = []

    def wait(_seconds):
        rounds.append(reports())
        put(tmp_path, of(asked))
        return len(rounds) > 2

    monkeypatch.setattr(stop_request, "wait", wait)
    done = CliRunner().invoke(main, ["bounce", "--maildir", str(tmp_path), "--watch"])

    assert done.exit_code == 0
    assert rounds == [[], [("hard", "5.1.1", "mail")], [("hard", "5.1.1", "mail")]]


def in_the_way(monkeypatch, problem):
    """Have the first three files fail to open, as root could not see otherwise."""
    real = os.open

    def opened(path, *more):
        if Path(path).name in {"0.host", "1.host", "2.host"}:
            problem(path)
        return real(path, *more)

    monkeypatch.setattr(os, "open", opened)


def refuse(_path):
    raise PermissionError(errno.EACCES, "jan@mail.example")


def test_files_that_cannot_be_read_hold_up_nothing_and_are_counted(asked, tmp_path, monkeypatch):
    put(tmp_path, HARD, HARD, HARD, of(asked))
    in_the_way(monkeypatch, refuse)
    rounds = iter((False, False, True))
    monkeypatch.setattr(stop_request, "wait", lambda _seconds: next(rounds))

    watched = CliRunner().invoke(main, ["bounce", "--maildir", str(tmp_path), "--watch"])
    once = CliRunner().invoke(main, ["bounce", "--maildir", str(tmp_path)])

    assert reports() == [("hard", "5.1.1", "mail")]
    assert len(list((tmp_path / "new").iterdir())) == 3
    lines = [json.loads(line) for line in watched.stderr.splitlines()]
    skipped = [line for line in lines if line["event"] == "bounce.skipped"]
    assert [(line["code"], line["number"]) for line in skipped] == [("EACCES", 3)]
    assert (watched.exit_code, once.exit_code) == (0, 75)
    said = "Skipped 3 files, which stay there (EACCES: 3).\n"
    assert (watched.stdout, once.stdout) == (said, said)
    assert "host" not in str(lines) + once.output


def test_files_that_another_reader_took_are_nothing(asked, tmp_path, monkeypatch):
    put(tmp_path, HARD, HARD, HARD, of(asked))
    in_the_way(monkeypatch, os.unlink)

    done = CliRunner().invoke(main, ["bounce", "--maildir", str(tmp_path)])

    assert (done.exit_code, done.output) == (0, "")
    assert reports() == [("hard", "5.1.1", "mail")]


def refuse_reports_of(order_id):
    with db.transaction() as session:
        session.connection().exec_driver_sql(
            "CREATE TRIGGER no BEFORE UPDATE ON messages WHEN OLD.id = "
            f"{message_of(order_id).id} BEGIN SELECT RAISE(ABORT, 'no'); END"
        )


def test_a_watcher_tries_a_report_that_fails_by_itself_once_and_the_next_process_again(
    asked, tmp_path, monkeypatch
):
    other = invited(shop())
    sent()
    put(tmp_path, of(asked))
    refuse_reports_of(asked)
    rounds = []

    def wait(_seconds):
        rounds.append(reports())
        (tmp_path / "new" / f"later-{len(rounds)}").write_bytes(of(other))
        return len(rounds) > 3

    monkeypatch.setattr(stop_request, "wait", wait)
    watched = CliRunner().invoke(main, ["bounce", "--maildir", str(tmp_path), "--watch"])

    events = [json.loads(line)["event"] for line in watched.stderr.splitlines()]
    assert events == ["bounce.failed", "bounce.skipped"]
    assert rounds == [[], *[[("hard", "5.1.1", "mail")]] * 3]
    assert watched.stdout == "Skipped 1 files, which stay there (IntegrityError: 1).\n"
    with db.transaction() as session:
        session.connection().exec_driver_sql("DROP TRIGGER no")
    assert CliRunner().invoke(main, ["bounce", "--maildir", str(tmp_path)]).exit_code == 0
    assert list((tmp_path / "new").iterdir()) == []


def test_a_pass_that_ends_early_forgets_no_report_that_failed(asked, tmp_path, capfd):
    put(tmp_path, of(asked))
    refuse_reports_of(asked)
    log.configure()
    reader = MaildirReader(tmp_path)
    reader.process_all()
    with stop_request.listening():
        stop_request.note()
        assert reader.process_all().was_stopped

    outcome = reader.process_all()

    assert outcome.skipped == {"IntegrityError": 1}
    assert capfd.readouterr().err.count("bounce.failed") == 1


def test_a_report_that_the_database_refuses_by_itself_holds_up_nothing(asked, tmp_path):
    other = invited(shop())
    sent()
    put(tmp_path, *[of(asked)] * 3, of(other))
    refuse_reports_of(asked)

    done = CliRunner().invoke(main, ["bounce", "--maildir", str(tmp_path)])

    assert (done.exit_code, done.stdout) == (
        75,
        "Skipped 3 files, which stay there (IntegrityError: 3).\n",
    )
    assert reports() == [("hard", "5.1.1", "mail")]
