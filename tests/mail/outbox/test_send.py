"""Tests:
trustsvc/mail/outbox/settle.py
"""

import random
import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    decisions_of,
    invitation_of,
    invited,
    message_of,
    order_row,
    place,
    planned,
    quiet,
    sent,
    shop,
)
from trustsvc import log
from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import resend, retry_policy, send, send_suspension
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.registry import opt_out
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

# BEGIN on SQLite, the subject with its order and shop, the registry, the message before and its
# line of the decision log, this message.
STATEMENTS_OF_A_MESSAGE = 6
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Crash(BaseException):
    """The process is gone."""


def test_a_message_that_is_due_is_sent_once(installation):
    order_id = invited(shop())

    post = sent()
    again = sent()

    assert [email_message.to_address for email_message in post.messages] == ["jan@mail.example"]
    assert again.messages == []
    email_message = message_of(order_id)
    assert (email_message.state, email_message.sent_at, email_message.attempts) == ("sent", NOON, 1)
    assert decisions_of(order_id)[-1] == ("send_invitation", "ok", "sent")


def test_a_sender_that_is_asked_to_stop_ends_before_the_next_message(installation):
    orders = [invited(shop(), email=f"b{number}@mail.example") for number in range(3)]
    requests = []
    post = Post(meanwhile=lambda: requests.append("stop"))

    with quiet():
        goes_on = send.send(db.transaction, post, lambda: NOON, wait=lambda _: bool(requests))

    assert not goes_on  # so that the job does not go on
    assert len(post.messages) == 1
    assert sorted(message_of(one).state for one in orders) == ["due", "due", "sent"]
    assert [message_of(one).lease for one in orders if message_of(one).state == "due"] == [None] * 2


def test_messages_wait_where_the_evening_came_while_a_round_went_on(installation):
    for number in range(3):
        invited(shop(), email=f"b{number}@mail.example")
    moments = iter([NOON.replace(hour=17, minute=59)] * 5 + [NOON.replace(hour=18)] * 50)

    with quiet():
        send.send(db.transaction, post := Post(), lambda: next(moments))

    assert len(post.messages) < 3
    with db.reading() as session:
        states = session.scalars(select(messages.c.state)).all()
    assert set(states) <= {"sent", "due"}


def test_a_stop_between_lease_and_end_of_data_keeps_the_end_of_data_from_being_sent(installation):
    order_id = invited(shop())

    def stop():
        with db.transaction() as session:
            redeem.withdraw(session, [order_id], "stop", NOON)

    post = sent(Post(meanwhile=stop))

    assert post.messages == []
    assert (message_of(order_id).state, message_of(order_id).reason) == ("dropped", "stop")


def test_a_message_dropped_while_the_server_deferred_it_is_not_due_again(installation):
    order_id = invited(shop())

    def stop():
        with db.transaction() as session:
            redeem.withdraw(session, [order_id], "stop", NOON)

    sent(Post(SendResult(SendStatus.DEFERRED, "before_end_of_data"), meanwhile=stop))

    assert message_of(order_id).state == "dropped"


@pytest.mark.parametrize(
    ("status", "problem", "state"),
    [
        (SendStatus.SENT, "", "sent"),
        (SendStatus.DEFERRED, "smtp_451", "due"),
        (SendStatus.REFUSED, "smtp_550", "refused"),
        (SendStatus.UNKNOWN, "no_answer", "unknown"),
    ],
)
def test_each_delivery_result_settles_its_message_and_leaves_the_others_alone(
    installation, status, problem, state
):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(3)]

    sent(
        Post(
            SendResult(SendStatus.SENT),
            SendResult(status, problem),
            SendResult(SendStatus.SENT),
        )
    )

    assert [message_of(order_id).state for order_id in ids] == ["sent", state, "sent"]
    email_message = message_of(ids[1])
    assert (email_message.reason or "", email_message.attempts) == (problem, 1)
    assert (email_message.sent_at is not None) == (status in {SendStatus.SENT, SendStatus.UNKNOWN})


@pytest.mark.parametrize("status", [SendStatus.DEFERRED, SendStatus.REFUSED])
def test_messages_refused_one_after_the_other_before_their_end_of_data_are_settled_together(
    installation, status
):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(4)]

    sent(Post(*[SendResult(status, "before_end_of_data")] * 3))

    states = {SendStatus.DEFERRED: "due", SendStatus.REFUSED: "refused"}
    assert [message_of(order_id).state for order_id in ids] == [states[status]] * 3 + ["sent"]
    assert [message_of(order_id).attempts for order_id in ids] == [1] * 4


def test_a_refused_address_is_forgotten(installation):
    order_id = invited(shop())

    sent(Post(SendResult(SendStatus.REFUSED, "before_end_of_data")))

    assert (order_row(order_id).email, order_row(order_id).name) == (None, None)
    assert message_of(order_id).state == "refused"
    assert (invitation_of(order_id).state, invitation_of(order_id).reason) == (
        "withdrawn",
        "refused",
    )


def tried_until_the_end(order_id, outcome, now=NOON):
    """Try a message whenever it is due until it is at its end; gives when each try was."""
    moments = []
    while message_of(order_id).state == "due":
        now = max(now, message_of(order_id).due_at)
        if sent(Post(outcome), now=now).messages:
            moments.append(now)
            assert message_of(order_id).due_at <= now + timedelta(hours=6)
        else:
            now += MINUTE  # the night, or the mail server is left alone
    return moments


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("problem", ["smtp_451", "policy", "no_connection"])
def test_after_72_hours_of_tries_a_message_is_given_up_and_its_buyer_not_forgotten(
    installation, problem
):
    order_id = invited(shop())

    moments = tried_until_the_end(order_id, SendResult(SendStatus.DEFERRED, problem))

    email_message = message_of(order_id)
    assert (email_message.state, email_message.reason) == ("refused", "retry_limit")
    assert (email_message.waited_s, email_message.attempts, email_message.sent_at) == (
        72 * 3600,
        len(moments),
        None,
    )
    assert moments[-1] - moments[0] >= timedelta(hours=72)
    assert order_row(order_id).email == "jan@mail.example"
    assert invitation_of(order_id).state == "open"
    lines = decisions_of(order_id)
    assert lines[-2:] == [
        ("send_invitation", problem, "later"),
        ("send_invitation", "retry_limit", "refused"),
    ]
    assert sent(now=moments[-1] + 5 * DAY).messages == []


def test_nights_and_stops_are_no_part_of_the_72_hours(installation):
    order_id = invited(shop())
    sent(Post(SendResult(SendStatus.DEFERRED, "smtp_452")))
    waited = message_of(order_id).waited_s
    assert 0 < waited <= 60

    sent(now=NOON.replace(hour=21))  # put off to the morning
    with db.transaction() as session:
        send_suspension.stop(session, "test", "why", NOON)
    sent(now=NOON + 10 * DAY)
    with db.transaction() as session:
        send_suspension.resume(session, "test")

    assert message_of(order_id).waited_s == waited
    assert len(sent(now=NOON + 10 * DAY).messages) == 1


def test_what_was_given_up_can_be_tried_again_for_three_more_days(installation):
    order_id, gone = invited(shop()), invited(shop(), email="piet@mail.example")
    last = tried_until_the_end(order_id, SendResult(SendStatus.DEFERRED, "policy"))[-1]
    tried_until_the_end(gone, SendResult(SendStatus.DEFERRED, "policy"))
    with db.transaction() as session:
        redeem.withdraw(session, [gone], "stop", last)

    with db.transaction() as session, quiet():
        assert resend.retry_refused(session, last + DAY) == 1
        assert resend.retry_refused(session, last + DAY) == 0

    assert decisions_of(order_id)[-1] == ("send", "retry", "planned")
    assert message_of(order_id).waited_s < retry_policy.LIMIT_S
    assert [one.to_address for one in sent(now=last + DAY).messages] == ["jan@mail.example"]


def test_a_message_dropped_at_its_last_try_stays_dropped(installation):
    order_id = invited(shop())
    with db.transaction() as session:
        session.execute(update(messages).values(waited_s=retry_policy.LIMIT_S))

    def stop():
        with db.transaction() as session:
            redeem.withdraw(session, [order_id], "stop", NOON)

    sent(Post(SendResult(SendStatus.DEFERRED, "before_end_of_data"), meanwhile=stop))

    assert (message_of(order_id).state, message_of(order_id).reason) == ("dropped", "stop")


@pytest.mark.parametrize(
    ("tries", "longest"), [(0, 60), (1, 120), (5, 1920), (9, 21600), (99, 21600)]
)
def test_waits_grow_with_full_jitter(tries, longest):
    waits = [retry_policy.wait_s(tries, 0, random.random()) for _ in range(200)]

    assert max(waits) <= longest
    assert min(waits) < longest / 4
    assert max(waits) > longest / 2


def test_a_mail_server_that_is_away_is_asked_once_a_round(installation):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(3)]
    asked = []

    class Away:
        def send(self, email_message, before_end_of_data):
            asked.append(email_message)
            return SendResult(SendStatus.DEFERRED, "no_connection")

    assert not send.send(db.transaction, Away(), lambda: NOON)

    assert len(asked) == 1
    assert [message_of(order_id).state for order_id in ids] == ["due"] * 3
    assert [message_of(order_id).due_at <= NOON for order_id in ids] == [False, True, True]


def test_a_crash_before_the_end_of_data_leaves_the_message_due(installation):
    order_id = invited(shop())

    class Dies:
        def send(self, email_message, before_end_of_data):
            raise Crash

    with pytest.raises(Crash):
        sent(Dies())

    assert message_of(order_id).state == "due"
    assert len(sent().messages) == 1


def test_a_crash_after_the_end_of_data_leaves_unknown_and_is_not_sent_again(installation):
    order_id = invited(shop())

    class Dies:
        def send(self, email_message, before_end_of_data):
            before_end_of_data()
            raise Crash

    with pytest.raises(Crash):
        sent(Dies())
    assert message_of(order_id).state == "handed"

    assert sent(now=NOON + MINUTE / 2).messages == []
    assert message_of(order_id).state == "handed"
    assert sent(now=NOON + MINUTE).messages == []
    email_message = message_of(order_id)
    assert (email_message.state, email_message.reason) == ("unknown", "sender_died")
    assert decisions_of(order_id)[-1] == ("send", "sender_died", "unknown")


def test_what_was_settled_before_a_crash_stays_settled(installation):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(3)]

    class DiesAtTheThird:
        posted = 0

        def send(self, email_message, before_end_of_data):
            self.posted += 1
            before_end_of_data()
            if self.posted == 3:
                raise Crash
            return SendResult(SendStatus.SENT)

    with pytest.raises(Crash):
        sent(DiesAtTheThird())

    assert [message_of(order_id).state for order_id in ids] == ["sent", "sent", "handed"]


def test_a_sender_that_wakes_up_after_its_lease_does_not_end_data(installation):
    order_id = invited(shop())

    def overslept():
        if message_of(order_id).state != "sent":
            assert len(sent(now=NOON + 11 * MINUTE).messages) == 1

    post = sent(Post(meanwhile=overslept))

    assert post.messages == []
    assert message_of(order_id).state == "sent"


def test_a_sender_whose_lease_ran_out_does_not_end_data_even_when_nobody_else_came(installation):
    order_id = invited(shop())
    moments = [NOON]
    post = Post(meanwhile=lambda: moments.append(NOON + 11 * MINUTE))

    with quiet():
        send.send(db.transaction, post, lambda: moments[-1])

    assert post.messages == []
    assert message_of(order_id).state == "due"


def test_senders_at_once_send_each_message_once(installation):
    at_shop = shop()
    for number in range(30):
        place(at_shop, email=f"b{number}@mail.example")
    planned()
    posts, problems = [Post() for _ in range(4)], []

    def run(post):
        try:
            for _ in range(3):
                sent(post)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(post,)) for post in posts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    everything = [email_message.to_address for post in posts for email_message in post.messages]
    assert sorted(everything) == sorted({f"b{number}@mail.example" for number in range(30)})
    with db.reading() as session:
        left = select(func.count()).select_from(messages).where(messages.c.state == "sent")
        assert session.scalar(left) == 30


def test_a_message_that_cannot_be_written_does_not_hold_up_the_others(installation, monkeypatch):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(2)]
    with db.transaction() as session:
        broken = update(invitations).where(invitations.c.order_id == ids[0])
        session.execute(broken.values(language="xx"))

    post = sent()

    assert [email_message.to_address for email_message in post.messages] == ["b1@mail.example"]
    assert (message_of(ids[0]).state, message_of(ids[0]).reason) == ("due", "not_composed")


def test_a_mail_server_that_is_away_is_logged_once_and_not_per_message(installation, capfd):
    at_shop = shop()
    for number in range(3):
        invited(at_shop, email=f"buyer{number}@mail.example")
    log.configure()

    sent(Post(*[SendResult(SendStatus.DEFERRED, "no_connection")] * 3))

    lines = [
        line for line in capfd.readouterr().err.splitlines() if "mail.server_unreachable" in line
    ]
    assert len(lines) == 1
    assert "mail.example" not in lines[0]


def suspend():
    with db.transaction() as session:
        send_suspension.stop(session, send_suspension.COMPLAINTS, "complaint_rate", NOON)


@pytest.mark.parametrize("stop", [suspend, lambda: send_suspension.unfinished().touch()])
def test_a_suspension_that_comes_while_a_round_is_being_sent_keeps_the_end_of_data_from_being_sent(
    installation, stop
):
    send_suspension.unfinished().parent.mkdir(exist_ok=True)
    ids = [invited(shop(), email=f"b{number}@mail.example") for number in range(3)]
    asked = []

    def at_the_second():
        asked.append(1)
        if len(asked) == 2:
            stop()

    post = sent(Post(meanwhile=at_the_second))

    assert (len(post.messages), len(asked)) == (1, 2)
    assert sorted(message_of(one).state for one in ids) == ["due", "due", "sent"]
    assert {message_of(one).reason for one in ids} == {None}


def test_a_message_with_a_reason_waits_during_a_suspension_and_is_not_dropped(installation):
    at_shop = shop()
    order_id = invited(at_shop, identity="1")

    def both():
        place(at_shop, identity="1", consent=False)
        suspend()

    sent(Post(meanwhile=both))

    assert message_of(order_id).state == "due"


def test_a_message_takes_few_statements(installation):
    counted = []

    def count(*arguments):
        counted.append(arguments[2])

    taken = []
    at_shop = shop()
    for number in (10, 30):
        for one in range(number):
            place(at_shop, email=f"b{number}-{one}@mail.example")
        planned()
        event.listen(db.engine(), "before_cursor_execute", count)
        assert len(sent().messages) == number
        event.remove(db.engine(), "before_cursor_execute", count)
        taken.append(len(counted))
        counted.clear()

    assert (taken[1] - taken[0]) / 20 <= STATEMENTS_OF_A_MESSAGE


def stop_everywhere(email):
    with db.transaction() as session, quiet():
        opt_out.opt_out(session, email, 0, "stop", NOON)


@pytest.mark.parametrize(
    ("news", "reason"),
    [
        (lambda at: place(at, identity="1", platform_status=PlatformStatus.CANCELLED), "cancelled"),
        (lambda at: place(at, identity="1", platform_status=PlatformStatus.REFUNDED), "refunded"),
        (lambda at: place(at, identity="1", consent=False), "said_no"),
        (lambda _: stop_everywhere("jan@mail.example"), "opted_out"),
    ],
)
def test_what_comes_while_a_round_is_being_sent_is_read_before_the_end_of_data(
    installation, news, reason
):
    at_shop = shop("consent")
    order_id = invited(at_shop, identity="1", consent=True)

    post = Post(meanwhile=lambda: news(at_shop))
    sent(post)

    assert post.messages == []
    assert (message_of(order_id).state, message_of(order_id).reason) == ("dropped", reason)
    assert ("send", reason, "dropped") in decisions_of(order_id)
    assert order_row(order_id).email is None
