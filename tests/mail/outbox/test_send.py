"""Tests:
trustsvc/mail/outbox/settle.py
"""

import random
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    invitation_of,
    invited,
    ledger_of,
    letter_of,
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
from trustsvc.mail.message import DeliveryResult, DeliveryStatus
from trustsvc.mail.outbox import resend, retry_policy, send, send_suspension
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.state import Standing
from trustsvc.registry import opt_out
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Crash(BaseException):
    """The process is gone."""


def test_a_letter_that_is_due_is_sent_once(installation):
    order_id = invited(shop())

    post = sent()
    again = sent()

    assert [letter.to_address for letter in post.letters] == ["jan@mail.example"]
    assert again.letters == []
    letter = letter_of(order_id)
    assert (letter.state, letter.sent_at, letter.attempts) == ("sent", NOON, 1)
    assert ledger_of(order_id)[-1] == ("send_invitation", "ok", "sent")


def test_letters_wait_where_the_evening_came_while_a_round_went_on(installation):
    for number in range(3):
        invited(shop(), email=f"b{number}@mail.example")
    moments = iter([NOON.replace(hour=17, minute=59)] * 5 + [NOON.replace(hour=18)] * 50)

    with quiet():
        send.send(db.transaction, post := Post(), lambda: next(moments))

    assert len(post.letters) < 3
    with db.reading() as session:
        states = session.scalars(select(messages.c.state)).all()
    assert set(states) <= {"sent", "due"}


def test_a_stop_between_lease_and_dot_keeps_the_dot_from_being_said(installation):
    order_id = invited(shop())

    def stop():
        with db.transaction() as session:
            redeem.withdraw(session, [order_id], "stop", NOON)

    post = sent(Post(meanwhile=stop))

    assert post.letters == []
    assert (letter_of(order_id).state, letter_of(order_id).reason) == ("dropped", "stop")


def test_a_letter_dropped_while_the_server_said_later_is_not_due_again(installation):
    order_id = invited(shop())

    def stop():
        with db.transaction() as session:
            redeem.withdraw(session, [order_id], "stop", NOON)

    sent(Post(DeliveryResult(DeliveryStatus.DEFERRED, "before_end_of_data"), meanwhile=stop))

    assert letter_of(order_id).state == "dropped"


@pytest.mark.parametrize(
    ("fate", "problem", "state"),
    [
        (DeliveryStatus.SENT, "", "sent"),
        (DeliveryStatus.DEFERRED, "smtp_451", "due"),
        (DeliveryStatus.REFUSED, "smtp_550", "refused"),
        (DeliveryStatus.UNKNOWN, "no_answer", "unknown"),
    ],
)
def test_each_fate_settles_its_letter_and_leaves_the_others_alone(
    installation, fate, problem, state
):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(3)]

    sent(
        Post(
            DeliveryResult(DeliveryStatus.SENT),
            DeliveryResult(fate, problem),
            DeliveryResult(DeliveryStatus.SENT),
        )
    )

    assert [letter_of(order_id).state for order_id in ids] == ["sent", state, "sent"]
    letter = letter_of(ids[1])
    assert (letter.reason or "", letter.attempts) == (problem, 1)
    assert (letter.sent_at is not None) == (fate in {DeliveryStatus.SENT, DeliveryStatus.UNKNOWN})


@pytest.mark.parametrize("fate", [DeliveryStatus.DEFERRED, DeliveryStatus.REFUSED])
def test_letters_refused_one_after_the_other_before_their_dots_are_settled_together(
    installation, fate
):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(4)]

    sent(Post(*[DeliveryResult(fate, "before_end_of_data")] * 3))

    states = {DeliveryStatus.DEFERRED: "due", DeliveryStatus.REFUSED: "refused"}
    assert [letter_of(order_id).state for order_id in ids] == [states[fate]] * 3 + ["sent"]
    assert [letter_of(order_id).attempts for order_id in ids] == [1] * 4


def test_a_refused_address_is_forgotten(installation):
    order_id = invited(shop())

    sent(Post(DeliveryResult(DeliveryStatus.REFUSED, "before_end_of_data")))

    assert (order_row(order_id).email, order_row(order_id).name) == (None, None)
    assert letter_of(order_id).state == "refused"
    assert (invitation_of(order_id).state, invitation_of(order_id).reason) == (
        "withdrawn",
        "refused",
    )


def tried_until_the_end(order_id, outcome, now=NOON):
    """Try a letter whenever it is due until it is at its end; gives when each try was."""
    moments = []
    while letter_of(order_id).state == "due":
        now = max(now, letter_of(order_id).due_at)
        if sent(Post(outcome), now=now).letters:
            moments.append(now)
            assert letter_of(order_id).due_at <= now + timedelta(hours=6)
        else:
            now += MINUTE  # the night, or the mail server is left alone
    return moments


@pytest.mark.parametrize("problem", ["smtp_451", "policy", "no_connection"])
def test_after_72_hours_of_tries_a_letter_is_given_up_and_its_buyer_not_forgotten(
    installation, problem
):
    order_id = invited(shop())

    moments = tried_until_the_end(order_id, DeliveryResult(DeliveryStatus.DEFERRED, problem))

    letter = letter_of(order_id)
    assert (letter.state, letter.reason) == ("refused", "retry_limit")
    assert (letter.waited_s, letter.attempts, letter.sent_at) == (72 * 3600, len(moments), None)
    assert moments[-1] - moments[0] >= timedelta(hours=72)
    assert order_row(order_id).email == "jan@mail.example"
    assert invitation_of(order_id).state == "open"
    lines = ledger_of(order_id)
    assert lines[-2:] == [
        ("send_invitation", problem, "later"),
        ("send_invitation", "retry_limit", "refused"),
    ]
    assert sent(now=moments[-1] + 5 * DAY).letters == []


def test_nights_and_stops_are_no_part_of_the_72_hours(installation):
    order_id = invited(shop())
    sent(Post(DeliveryResult(DeliveryStatus.DEFERRED, "smtp_452")))
    waited = letter_of(order_id).waited_s
    assert 0 < waited <= 60

    sent(now=NOON.replace(hour=21))  # put off to the morning
    with db.transaction() as session:
        send_suspension.stop(session, "test", "why", NOON)
    sent(now=NOON + 10 * DAY)
    with db.transaction() as session:
        send_suspension.go_on(session, "test")

    assert letter_of(order_id).waited_s == waited
    assert len(sent(now=NOON + 10 * DAY).letters) == 1


def test_what_was_given_up_can_be_tried_again_for_three_more_days(installation):
    order_id, gone = invited(shop()), invited(shop(), email="piet@mail.example")
    last = tried_until_the_end(order_id, DeliveryResult(DeliveryStatus.DEFERRED, "policy"))[-1]
    tried_until_the_end(gone, DeliveryResult(DeliveryStatus.DEFERRED, "policy"))
    with db.transaction() as session:
        redeem.withdraw(session, [gone], "stop", last)

    with db.transaction() as session, quiet():
        assert resend.retry_refused(session, last + DAY) == 1
        assert resend.retry_refused(session, last + DAY) == 0

    assert ledger_of(order_id)[-1] == ("send", "again", "planned")
    assert letter_of(order_id).waited_s < retry_policy.LIMIT_S
    assert [one.to_address for one in sent(now=last + DAY).letters] == ["jan@mail.example"]


def test_a_letter_dropped_at_its_last_try_stays_dropped(installation):
    order_id = invited(shop())
    with db.transaction() as session:
        session.execute(update(messages).values(waited_s=retry_policy.LIMIT_S))

    def stop():
        with db.transaction() as session:
            redeem.withdraw(session, [order_id], "stop", NOON)

    sent(Post(DeliveryResult(DeliveryStatus.DEFERRED, "before_end_of_data"), meanwhile=stop))

    assert (letter_of(order_id).state, letter_of(order_id).reason) == ("dropped", "stop")


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
        def send(self, letter, before_end_of_data):
            asked.append(letter)
            return DeliveryResult(DeliveryStatus.DEFERRED, "no_connection")

    assert send.send(db.transaction, Away(), lambda: NOON) == 0

    assert len(asked) == 1
    assert [letter_of(order_id).state for order_id in ids] == ["due"] * 3
    assert [letter_of(order_id).due_at <= NOON for order_id in ids] == [False, True, True]


def test_a_crash_before_the_dot_leaves_the_letter_due(installation):
    order_id = invited(shop())

    class Dies:
        def send(self, letter, before_end_of_data):
            raise Crash

    with pytest.raises(Crash):
        sent(Dies())

    assert letter_of(order_id).state == "due"
    assert len(sent().letters) == 1


def test_a_crash_after_the_dot_leaves_unknown_and_is_not_sent_again(installation):
    order_id = invited(shop())

    class Dies:
        def send(self, letter, before_end_of_data):
            before_end_of_data()
            raise Crash

    with pytest.raises(Crash):
        sent(Dies())
    assert letter_of(order_id).state == "handed"

    assert sent(now=NOON + MINUTE / 2).letters == []
    assert letter_of(order_id).state == "handed"
    assert sent(now=NOON + MINUTE).letters == []
    letter = letter_of(order_id)
    assert (letter.state, letter.reason) == ("unknown", "sender_died")
    assert ledger_of(order_id)[-1] == ("send", "sender_died", "unknown")


def test_what_was_settled_before_a_crash_stays_settled(installation):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(3)]

    class DiesAtTheThird:
        posted = 0

        def send(self, letter, before_end_of_data):
            self.posted += 1
            before_end_of_data()
            if self.posted == 3:
                raise Crash
            return DeliveryResult(DeliveryStatus.SENT)

    with pytest.raises(Crash):
        sent(DiesAtTheThird())

    assert [letter_of(order_id).state for order_id in ids] == ["sent", "sent", "handed"]


def test_a_sender_that_wakes_up_after_its_lease_says_no_dot(installation):
    order_id = invited(shop())

    def overslept():
        if letter_of(order_id).state != "sent":
            assert len(sent(now=NOON + 11 * MINUTE).letters) == 1

    post = sent(Post(meanwhile=overslept))

    assert post.letters == []
    assert letter_of(order_id).state == "sent"


def test_a_sender_whose_lease_ran_out_says_no_dot_even_when_nobody_else_came(installation):
    order_id = invited(shop())
    moments = [NOON]
    post = Post(meanwhile=lambda: moments.append(NOON + 11 * MINUTE))

    with quiet():
        send.send(db.transaction, post, lambda: moments[-1])

    assert post.letters == []
    assert letter_of(order_id).state == "due"


def test_senders_at_once_send_each_letter_once(installation):
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
    everything = [letter.to_address for post in posts for letter in post.letters]
    assert sorted(everything) == sorted({f"b{number}@mail.example" for number in range(30)})
    with db.reading() as session:
        left = select(func.count()).select_from(messages).where(messages.c.state == "sent")
        assert session.scalar(left) == 30


def test_a_letter_that_cannot_be_written_does_not_hold_up_the_others(installation, monkeypatch):
    at_shop = shop()
    ids = [invited(at_shop, email=f"b{number}@mail.example") for number in range(2)]
    with db.transaction() as session:
        broken = update(invitations).where(invitations.c.order_id == ids[0])
        session.execute(broken.values(language="xx"))

    post = sent()

    assert [letter.to_address for letter in post.letters] == ["b1@mail.example"]
    assert (letter_of(ids[0]).state, letter_of(ids[0]).reason) == ("due", "not_written")


def test_a_mail_server_that_is_away_is_said_once_and_not_per_letter(installation, capfd):
    at_shop = shop()
    for number in range(3):
        invited(at_shop, email=f"buyer{number}@mail.example")
    log.configure()

    sent(Post(*[DeliveryResult(DeliveryStatus.DEFERRED, "no_connection")] * 3))

    said = [
        line for line in capfd.readouterr().err.splitlines() if "mail.server_unreachable" in line
    ]
    assert len(said) == 1
    assert "mail.example" not in said[0]


def stop_everywhere(email):
    with db.transaction() as session, quiet():
        opt_out.opt_out(session, email, 0, "stop", NOON)


@pytest.mark.parametrize(
    ("news", "reason"),
    [
        (lambda at: place(at, identity="1", standing=Standing.CANCELLED), "cancelled"),
        (lambda at: place(at, identity="1", standing=Standing.REFUNDED), "refunded"),
        (lambda at: place(at, identity="1", consent=False), "said_no"),
        (lambda _: stop_everywhere("jan@mail.example"), "opted_out"),
    ],
)
def test_what_comes_while_a_round_is_being_sent_is_heard_before_the_dot(installation, news, reason):
    at_shop = shop("consent")
    order_id = invited(at_shop, identity="1", consent=True)

    post = Post(meanwhile=lambda: news(at_shop))
    sent(post)

    assert post.letters == []
    assert (letter_of(order_id).state, letter_of(order_id).reason) == ("dropped", reason)
    assert ("send", reason, "dropped") in ledger_of(order_id)
    assert order_row(order_id).email is None
