import mailbox
import stat

import pytest

from tests.mail.test_message import email_message
from trustsvc import config
from trustsvc.mail import transport
from trustsvc.mail.message import SendResult, SendStatus


@pytest.fixture
def place(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path / "data")}))
    yield tmp_path / "data" / "mail"
    config.use(None)


def post(*email_messages, before_end_of_data=lambda: None):
    with transport.open_transport(config.current().mail_url) as mail_transport:
        return [mail_transport.send(one, before_end_of_data) for one in email_messages]


def test_messages_arrive_whole_and_can_be_read_by_others_programs(place):
    assert (
        post(email_message(subject="one"), email_message(subject="two"))
        == [SendResult(SendStatus.SENT)] * 2
    )

    found = sorted(one["Subject"] for one in mailbox.Maildir(place))
    assert found == ["one", "two"]
    assert list((place / "tmp").iterdir()) == []


def test_only_the_owner_can_read_them_and_names_of_files_say_nothing(place):
    post(email_message())

    (path,) = (place / "new").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert "jan" not in path.name
    assert "example" not in path.name


def test_the_message_is_not_there_before_the_end_of_data_and_is_after_it(place):
    seen = []

    post(
        email_message(),
        before_end_of_data=lambda: seen.append(len(list((place / "new").iterdir()))),
    )

    assert seen == [0]
    assert len(list((place / "new").iterdir())) == 1


def test_what_before_end_of_data_raises_goes_on_and_leaves_nothing(place):
    def lost():
        raise KeyError

    with pytest.raises(KeyError):
        post(email_message(), before_end_of_data=lost)

    assert [list((place / part).iterdir()) for part in ("tmp", "new")] == [[], []]


def test_a_folder_that_cannot_be_written_is_later(place):
    place.parent.mkdir()
    place.write_text("a file is in the way")

    assert post(email_message()) == [SendResult(SendStatus.DEFERRED, "maildir")]


def test_a_message_that_cannot_be_written_is_refused(place):
    assert post(email_message(to_address="nobody")) == [SendResult(SendStatus.REFUSED, "address")]


@pytest.mark.parametrize("shape", ["maildir:{}", "maildir://{}"])
def test_both_ways_to_write_the_path_are_understood(tmp_path, place, shape):
    with transport.open_transport(shape.format(tmp_path / "other")) as mail_transport:
        mail_transport.send(email_message(), lambda: None)

    assert len(list((tmp_path / "other" / "new").iterdir())) == 1
