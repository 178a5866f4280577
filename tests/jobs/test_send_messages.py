import mailbox
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import update

from jobs.send_messages import send_messages
from tests.invitations.sample_orders import NOON, Post, invited, message_of, quiet, sent, shop
from trustsvc import clock, clock_check
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)
TEN_YEARS = 3652 * DAY


def test_messages_that_are_due_end_in_the_maildir_once(installation):
    order_id = invited(shop())

    with clock.at(NOON):
        send_messages()
        send_messages()

    (mail,) = mailbox.Maildir(installation.data / "mail")
    assert mail["To"].endswith("<jan@mail.example>")
    assert message_of(order_id).state == "sent"


def test_nothing_to_do_is_no_harm(installation):
    send_messages()


class Wall:
    """A machine whose clock somebody sets; its own count goes on."""

    def __init__(self, monkeypatch):
        self.jump = timedelta(0)
        monkeypatch.setattr(clock, "now", self.now)
        monkeypatch.setattr(clock, "read", lambda: clock.Reading(self.now(), "boot", DAY))

    def now(self):
        return NOON + self.jump

    def set_ahead(self):
        self.jump = TEN_YEARS


@pytest.mark.parametrize("status", [SendStatus.DEFERRED, SendStatus.SENT])
def test_a_clock_that_jumps_within_a_round_makes_no_message_wait_for_years(
    installation, monkeypatch, status
):
    order_id = invited(shop())
    wall = Wall(monkeypatch)
    with db.transaction() as session:
        clock_check.record(session, clock.read(), None)
    post = Post(
        SendResult(status, "before_end_of_data" if status is SendStatus.DEFERRED else ""),
        meanwhile=wall.set_ahead,
    )

    @contextmanager
    def opened(_url):
        yield post

    monkeypatch.setattr("jobs.send_messages.open_transport", opened)
    with quiet():
        send_messages()

    email_message = message_of(order_id)
    if status is SendStatus.DEFERRED:
        assert email_message.due_at < NOON + DAY
    else:
        assert email_message.state == "sent"
        assert email_message.sent_at == NOON


def leased(state, until):
    with db.transaction() as session:
        session.execute(update(messages).values(state=state, lease=b"l" * 16, leased_until=until))


def test_a_lease_that_a_clock_wrote_down_which_jumped_has_run_out(installation):
    order_id = invited(shop())
    leased("leased", NOON + TEN_YEARS)

    assert len(sent().messages) == 1
    assert message_of(order_id).state == "sent"


def test_a_message_handed_over_by_a_clock_that_jumped_is_unknown_since_now(installation):
    order_id = invited(shop())
    leased("handed", NOON + TEN_YEARS)

    assert sent().messages == []
    assert (message_of(order_id).state, message_of(order_id).sent_at) == ("unknown", NOON)


def test_a_lease_of_a_clock_that_is_minutes_ahead_holds(installation):
    invited(shop())
    leased("leased", NOON + timedelta(minutes=5))

    assert sent().messages == []
