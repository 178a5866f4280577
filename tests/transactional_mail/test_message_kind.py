"""Tests:
trustsvc/transactional_mail/compose.py
"""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import and_, func, select, update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    invited,
    place,
    place_many,
    planned,
    quiet,
    sent,
    shop,
)
from trustsvc.mail.feedback import delivery_reports
from trustsvc.mail.feedback.parsers.report import Report
from trustsvc.mail.message import FailureScope, SendResult, SendStatus
from trustsvc.mail.outbox import (
    circuit_breaker,
    lease_renewal,
    retry_policy,
    return_path,
    send,
    send_suspension,
)
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db
from trustsvc.transactional_mail import enqueue, personal_data
from trustsvc.transactional_mail.enqueue import MAX_PER_DAY, TransactionalMessage
from trustsvc.transactional_mail.models import transactional_messages

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

LINK = "https://reviews.example/me/abc"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LATER = SendResult(SendStatus.DEFERRED, "smtp_451")


def asked(address="jan@mail.example", now=NOON, **more):
    message = TransactionalMessage(
        **{"template": "my_data_link", "language": "nl", "address": address, "name": "Jan"} | more,
        facts={"link": LINK},
    )
    with quiet(), db.transaction() as session:
        return enqueue.write(session, message, now)


def sent_transactional(now=NOON):
    """Send what persons wait for, and leave due invitations alone."""
    post = Post()
    with quiet():
        send.send(db.transaction, post, lambda: now, only_unsuspendable=True)
    return post


def rows():
    """Give each message's contents and what became of it."""
    is_its = and_(
        messages.c.subject_id == transactional_messages.c.id, messages.c.kind == "transactional"
    )
    columns = (messages.c.state, messages.c.reason, messages.c.waited_s, messages.c.due_at)
    with db.reading() as session:
        statement = select(transactional_messages, *columns).outerjoin(messages, is_its)
        return session.execute(statement.order_by(transactional_messages.c.id)).all()


def test_a_message_is_sent_once_and_forgets_whom_it_was_for(installation):
    asked()

    post = sent()
    again = sent()

    (email_message,) = post.messages
    assert (email_message.to_address, email_message.to_name) == ("jan@mail.example", "Jan")
    assert LINK in email_message.text
    assert LINK in email_message.html
    assert again.messages == []
    (row,) = rows()
    assert (row.state, row.address, row.name, row.facts) == ("sent", None, None, None)


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_it_is_written_in_every_language(installation, language):
    asked(language=language)

    (email_message,) = sent().messages

    assert f'lang="{language}"' in email_message.html
    assert "{" not in email_message.subject + email_message.text


def test_hostile_names_are_inert(installation):
    asked(name="<b>Jan</b>\r\nBcc: x@mail.example {shop} {{ 7*7 }}")

    (email_message,) = sent().messages

    assert "<b>Jan" not in email_message.html
    assert "\n" not in email_message.to_name
    assert "{shop} {{ 7*7 }}" in email_message.text


def test_one_address_is_written_to_so_many_times_a_day(installation):
    taken = [asked("JAN@mail.example" if number % 2 else "jan@mail.example") for number in range(5)]
    tomorrow = asked(now=NOON + timedelta(days=1, seconds=1))

    assert taken == [True] * MAX_PER_DAY + [False] * (5 - MAX_PER_DAY)
    assert tomorrow
    assert asked("other@mail.example")


def test_a_temporary_refusal_is_tried_again_with_the_same_message_id(installation):
    asked()
    first = sent(Post(LATER))
    second = sent(now=NOON + HOUR)

    assert first.messages[0].message_id == second.messages[0].message_id
    assert rows()[0].state == "sent"


def test_after_72_hours_of_waiting_it_ends_and_then_holds_nobody(installation):
    asked()
    now, attempts = NOON, 0
    while rows()[0].state == "due":
        now = max(now + MINUTE, rows()[0].due_at)
        attempts += len(sent(Post(LATER), now=now).messages)

    (row,) = rows()
    assert (row.state, row.reason, row.waited_s) == ("refused", "retry_limit", 72 * 3600)
    assert (row.address, row.name, row.facts) == (None, None, None)
    assert attempts > 10
    assert now - NOON >= timedelta(hours=72)


def test_a_refused_address_is_forgotten(installation):
    asked()

    sent(Post(SendResult(SendStatus.REFUSED, "smtp_550")))

    assert (rows()[0].state, rows()[0].address) == ("refused", None)


def test_an_answer_that_never_came_is_a_reason_to_send_it_again(installation):
    asked()

    first = sent(Post(SendResult(SendStatus.UNKNOWN, "no_answer")))
    second = sent(now=NOON + HOUR)

    assert first.messages[0].message_id == second.messages[0].message_id
    assert rows()[0].state == "sent"


@pytest.mark.parametrize("is_handed", [False, True])
def test_a_sender_that_died_leaves_a_message_that_is_sent_after_its_lease(installation, is_handed):
    asked()

    class Crash(BaseException):
        pass

    class Dies:
        def send(self, _message, before_end_of_data):
            if is_handed:
                before_end_of_data()
            raise Crash

    with pytest.raises(Crash):
        sent(Dies())
    early = sent() if is_handed else None
    late = sent(now=NOON + lease_renewal.MESSAGE_LEASE + MINUTE)

    assert early is None or early.messages == []
    assert len(late.messages) == 1


@pytest.mark.parametrize("dies", [False, True])
def test_where_nobody_ever_knows_it_is_sent_three_times_and_then_holds_nobody(installation, dies):
    asked()
    copies, now = [], NOON

    class Crash(BaseException):
        pass

    class NeverAnswers:
        def send(self, message, before_end_of_data):
            before_end_of_data()
            copies.append(message.message_id)
            if dies:
                raise Crash
            return SendResult(SendStatus.UNKNOWN, "no_answer", FailureScope.SERVER)

    for _ in range(20):
        with suppress(Crash):
            sent(NeverAnswers(), now=now)
        now += 7 * HOUR

    (row,) = rows()
    assert len(copies) == retry_policy.MAX_AUTOMATIC_RESENDS + 1 == 3
    assert len(set(copies)) == 1
    assert (row.state, row.address, row.name, row.facts) == ("unknown", None, None, None)


@pytest.mark.parametrize(
    ("kind", "state"), [("delivered", "sent"), ("complaint", "sent"), ("hard", "due")]
)
def test_a_report_before_it_is_sent_again_ends_it_and_then_holds_nobody(installation, kind, state):
    asked()
    sent(Post(SendResult(SendStatus.UNKNOWN, "no_answer")))
    with db.transaction() as session:
        token = session.scalar(select(messages.c.token))
        report = Report(kind, "5.1.1", (return_path.code(token),))
        assert delivery_reports.accept(session, report, "mail", NOON) == "taken"

    (row,) = rows()
    assert (row.state, row.address, row.name, row.facts) == (state, None, None, None)
    assert sent(now=NOON + HOUR).messages == []


@pytest.mark.parametrize("result", ["sent", "refused", "unknown", "deferred"])
def test_nothing_of_a_person_reaches_the_log(installation, result, capfd):
    status = {one.name.lower(): one for one in SendStatus}[result]
    asked()
    sent(Post(SendResult(status, "smtp_550")))
    asked("eva@mail.example", name="Eva")
    with db.transaction() as session:
        session.execute(update(transactional_messages).values(facts='["eva", "secret"]'))
    sent(now=NOON + HOUR)

    output = "".join(capfd.readouterr())
    assert "mail." in output
    for personal in ("jan@", "eva", "Jan", "Eva", "secret", LINK, "example.com"):
        assert personal not in output


def test_senders_at_once_send_each_message_once(installation):
    for number in range(6):
        asked(f"b{number}@mail.example")
    posts = [Post(), Post(), Post()]
    threads = [threading.Thread(target=sent, args=[post]) for post in posts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    got = sorted(email_message.to_address for post in posts for email_message in post.messages)
    assert got == [f"b{number}@mail.example" for number in range(6)]


def test_a_mail_server_that_is_away_is_asked_once(installation):
    for number in range(3):
        asked(f"b{number}@mail.example")

    post = sent(Post(*[SendResult(SendStatus.DEFERRED, "no_connection")] * 3))

    assert len(post.messages) == 1
    assert [row.state for row in rows()] == ["due"] * 3


def test_with_the_circuit_breaker_open_the_failing_server_is_not_asked(installation):
    with db.transaction() as session:
        for _ in range(5):
            circuit_breaker.failed(session, "maildir", NOON)
    asked()
    asked("eva@mail.example")

    with db.reading() as session:
        until = circuit_breaker.open_until(session, NOON)

    assert sent(now=NOON + timedelta(seconds=1)).messages == []
    assert len(sent(now=until).messages) == 1  # the probe
    assert rows()[0].waited_s == 0


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_a_person_waits_for_leaves_before_500_due_invitations(installation):
    place_many(shop(), [f"b{number}@mail.example" for number in range(500)])
    planned()
    asked(now=NOON + MINUTE)

    post = sent(now=NOON + MINUTE)

    assert post.messages[0].to_address == "jan@mail.example"
    assert len(post.messages) == 500


def test_it_leaves_at_night_and_while_sending_is_suspended(installation):
    order_id = invited(shop(), email="eva@mail.example")
    with db.transaction() as session:
        send_suspension.stop(session, "restore", "why", NOON)
    night = NOON.replace(hour=22)
    asked(now=night)

    assert order_id
    assert [email_message.to_address for email_message in sent(now=night).messages] == [
        "jan@mail.example"
    ]


@pytest.mark.parametrize(
    "installation",
    [{"TRUSTSVC_MAIL_URL": "smtp://127.0.0.1:1", "TRUSTSVC_MAIL_PACE": "1"}],
    indirect=True,
)
def test_it_overtakes_what_waits_for_its_domain_and_obeys_a_domain_that_defers(installation):
    at_shop = shop()
    for number in range(5):
        place(at_shop, email=f"b{number}@mail.example")
    planned()
    assert len(sent().messages) == 1

    asked()
    policy = SendResult(SendStatus.DEFERRED, "policy", FailureScope.DOMAIN)
    assert [email_message.to_address for email_message in sent(Post(policy)).messages] == [
        "jan@mail.example"
    ]

    asked("eva@mail.example")
    assert sent(now=NOON + timedelta(seconds=20)).messages == []


def test_a_message_whose_person_was_erased_while_it_was_being_sent_does_not_leave(installation):
    asked()
    asked("eva@mail.example")

    def erase():
        with quiet(), db.transaction() as session:
            who = personal_data.recipient_pseudonyms("jan@mail.example")
            personal_data.erase_mail(session, who)

    post = sent(Post(meanwhile=erase))

    assert [email_message.to_address for email_message in post.messages] == ["eva@mail.example"]
    assert [row.state for row in rows()] == ["sent"]
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(messages)) == 1
