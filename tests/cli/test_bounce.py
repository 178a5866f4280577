import pytest
from click.testing import CliRunner

from tests.invitations.sample_orders import invited, message_of, order_row, sent, shop
from tests.mail.feedback.parsers.corpus import BY_NAME, CODE
from tests.mail.feedback.test_delivery_reports import code_of, reports
from trustsvc import config
from trustsvc.cli import main
from trustsvc.storage import suppression_journal
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
