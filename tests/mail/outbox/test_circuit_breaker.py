"""A mail server that fails is left alone; state is in SQL, so workers share it."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    invited,
    message_of,
    place_many,
    planned,
    quiet,
    sent,
    shop,
)
from tests.waiting import PATIENCE_S
from trustsvc.invitations.models import invitations
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import circuit_breaker, lease_renewal, rate_policy, send, send_suspension
from trustsvc.mail.outbox.models import circuit_breakers, messages
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PAUSE = rate_policy.MAX_SERVER_PAUSE
AWAY = SendResult(SendStatus.DEFERRED, "no_connection")


class Away:
    """A mail server that does not answer, and counts who asked."""

    asked = 0

    def send(self, email_message, before_end_of_data):
        self.asked += 1
        return AWAY


def many(number, at_shop=None, now=NOON):
    place_many(at_shop or shop(), [f"b{one}@mail.example" for one in range(number)], now)
    planned(now)


def row():
    with db.reading() as session:
        return session.execute(select(circuit_breakers)).first()


def states():
    with db.reading() as session:
        return dict(
            session.execute(select(messages.c.state, func.count()).group_by(messages.c.state)).all()
        )


def tries():
    with db.reading() as session:
        return session.scalar(select(func.sum(messages.c.attempts)))


def opened(number=10):
    """Let the mail server fail until it is left alone; gives the moment."""
    many(number)
    away, now = Away(), NOON
    for _ in range(rate_policy.MAX_FAILURES):
        assert row() is None or row().open_until is None
        sent(away, now=now)
        now += 15 * SECOND
    assert row().open_until is not None
    return now


def test_a_mail_server_that_is_well_has_no_row(installation):
    many(3)

    sent()

    assert row() is None


def test_after_five_failures_in_a_row_it_is_left_alone_and_no_try_is_spent(installation):
    now = opened()
    before, away = tries(), Away()

    with db.reading() as session:
        assert circuit_breaker.open_until(session, NOON + MINUTE) == row().open_until
    while now < row().open_until:
        assert sent(away, now=now).asked == 0
        now += SECOND

    assert (away.asked, tries()) == (0, before)
    assert states() == {"due": 10}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_success_in_between_begins_the_count_again(installation):
    many(10)
    now = NOON
    for results in (
        [AWAY],
        [AWAY],
        [AWAY],
        [AWAY],
        [SendResult(SendStatus.SENT), AWAY],
        [AWAY],
        [AWAY],
    ):
        sent(Post(*results), now=now)
        now += MINUTE

    assert row().open_until is None
    assert row().failures == 3


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_five_times_421_end_a_round(installation):
    many(10)

    post = sent(Post(*[SendResult(SendStatus.DEFERRED, "smtp_421")] * 10))

    assert len(post.messages) == 5
    assert row().open_until > NOON


def test_one_message_asks_whether_it_is_back_and_each_time_in_vain_the_pause_doubles(installation):
    opened()
    pauses = []
    for _ in range(8):
        now = row().open_until
        assert sent(Away(), now=now).asked == 1
        pauses.append(row().open_until - now)

    assert all(2 * SECOND * 15 <= one <= PAUSE for one in pauses)
    assert pauses[-1] >= PAUSE / 2
    assert states() == {"due": 10}


def test_of_two_workers_one_asks(installation):
    opened()
    now = row().open_until
    asked, problems = [], []
    arrived, go = threading.Barrier(2, timeout=PATIENCE_S), threading.Event()

    class Waits:
        def send(self, email_message, before_end_of_data):
            asked.append(email_message)
            go.wait(PATIENCE_S)
            before_end_of_data()
            return SendResult(SendStatus.SENT)

    def run():
        try:
            arrived.wait()
            with quiet():
                send.send(db.transaction, Waits(), lambda: now)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    while not asked:
        assert any(thread.is_alive() for thread in threads)
    assert sent(now=now).messages == []  # a third, while it still waits for its answer
    go.set()
    for thread in threads:
        thread.join()

    assert problems == []
    assert len(asked) == 1
    assert row().closed_at == now


def test_who_asked_and_died_is_followed_by_another(installation):
    opened()
    now = row().open_until

    class Dies:
        def send(self, email_message, before_end_of_data):
            raise SystemExit

    class Gone(Post):
        def send(self, email_message, before_end_of_data):
            before_end_of_data()
            raise SystemExit

    for dies in (Dies(), Gone()):
        with pytest.raises(SystemExit):
            sent(dies, now=now)
        now += lease_renewal.MESSAGE_LEASE + SECOND
    assert len(sent(now=now).messages) == 1


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_when_it_is_back_messages_leave_slowly_at_first(installation):
    opened(100)
    now = row().open_until
    assert len(sent(now=now).messages) == 1

    counts = []
    for _ in range(50):
        now += 15 * SECOND
        counts.append(len(sent(now=now).messages))

    assert counts[:4] == [4, 4, 4, 4]
    assert max(counts) <= rate_policy.MIN_PER_MINUTE / 4 + 1
    assert sum(counts) == 99
    assert row() is None
    assert states() == {"sent": 100}


@pytest.mark.parametrize("installation", [{"TRUSTSVC_MAIL_PACE": "0"}], indirect=True)
def test_where_no_pace_is_set_all_leave_as_soon_as_it_is_back(installation):
    many(40)
    sent(Away())

    sent(Post(), now=NOON + PAUSE)
    sent(Post(), now=NOON + PAUSE + SECOND)

    assert (row(), states()["sent"]) == (None, 40)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_was_put_off_to_the_morning_or_stopped_is_no_burst_then(installation):
    opened(200)
    now = row().open_until
    sent(now=now)
    with db.transaction() as session:
        send_suspension.stop(session, "test", "why", now)
    sent(now=now + MINUTE)
    with db.transaction() as session:
        send_suspension.resume(session, "test")
    evening, morning = NOON.replace(hour=18), NOON.replace(day=11, hour=7)

    for minutes in range(5):
        assert sent(now=evening + minutes * MINUTE).messages == []
    counts = [len(sent(now=morning + n * 15 * SECOND).messages) for n in range(8)]

    assert max(counts) <= rate_policy.MIN_PER_MINUTE / 4
    assert sum(counts) > 20


@pytest.mark.parametrize("ahead", [HOUR, 24 * HOUR, 3650 * 24 * HOUR])
def test_a_pause_that_a_clock_which_was_ahead_wrote_holds_nobody_up(installation, ahead):
    opened()
    with db.transaction() as session:
        session.execute(update(circuit_breakers).values(open_until=NOON + ahead))

    assert len(sent(now=NOON + MINUTE).messages) == 1


def test_a_message_that_cannot_be_written_is_no_failure_of_the_mail_server(installation):
    order_id = invited(shop())
    with db.transaction() as session:
        session.execute(update(invitations).values(language="xx"))

    for _ in range(8):
        sent(now=max(NOON, message_of(order_id).due_at))

    assert row() is None
