"""Each receiving domain has its throttle; one that says later is left alone, and others go on."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    decisions_of,
    invited,
    message_of,
    order_row,
    place_many,
    planned,
    sent,
    shop,
)
from trustsvc.mail.message import FailureScope, SendResult, SendStatus
from trustsvc.mail.outbox import domain_throttle, kinds, retry_policy
from trustsvc.mail.outbox.lease import lease
from trustsvc.mail.outbox.models import domain_throttles, messages
from trustsvc.privacy.retention import purge
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LATER = SendResult(SendStatus.DEFERRED, "smtp_451", FailureScope.DOMAIN)
SMTP = {"TRUSTSVC_MAIL_URL": "smtp://127.0.0.1:1", "TRUSTSVC_HOURLY_MOST": "0"}

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def throttled(a_minute=60):
    return pytest.mark.parametrize(
        "installation", [SMTP | {"TRUSTSVC_MAIL_PACE": str(a_minute)}], indirect=True
    )


def due(*domains, at_shop=None):
    emails = [f"b{number}@{domain}" for number, domain in enumerate(domains)]
    place_many(at_shop or shop(), emails)
    while planned():
        pass


def domains_of(post):
    return Counter(
        email_message.to_address.partition("@")[2].lower() for email_message in post.messages
    )


def rows():
    with db.reading() as session:
        return session.execute(select(domain_throttles)).all()


@throttled()
def test_what_is_over_the_pace_waits_for_its_turn_without_a_try_and_others_go_on(installation):
    due(*["many.example"] * 40, *["few.example"] * 5)

    counts = [domains_of(sent(now=NOON + at * SECOND)) for at in (0, 0, 15, 30, 45, 60)]

    assert counts[0] == {"many.example": 15, "few.example": 5}
    assert counts[1] == {}
    assert sum((one["many.example"] for one in counts), 0) == 40
    with db.reading() as session:
        assert session.scalar(select(func.max(messages.c.attempts))) == 1
        assert session.scalar(select(func.max(messages.c.waited_s))) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@throttled()
def test_a_domain_is_one_however_it_is_spelt(installation):
    spelt = ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "XN--BCHER-KVA.Example"]
    due(*spelt * 10)

    assert len(sent().messages) == 15
    assert len(rows()) == 1


@sqlite_only
@throttled(0)
def test_without_a_throttle_all_leave_at_once(installation):
    due(*["many.example"] * 200)

    assert len(sent().messages) == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("installation", [{"TRUSTSVC_MAIL_PACE": "1"}], indirect=True)
def test_a_maildir_has_no_throttle(installation):
    due(*["many.example"] * 20)

    assert len(sent().messages) == 20
    assert rows() == []


@throttled(600)
def test_a_domain_that_says_later_is_left_alone_longer_each_time_and_others_go_on(installation):
    due(*["bad.example"] * 3, *["good.example"] * 3)
    results = {"bad.example": LATER}

    class Says(Post):
        def send(self, email_message, before_end_of_data):
            self.results = [
                results.get(email_message.to_address.partition("@")[2], SendResult(SendStatus.SENT))
            ]
            return super().send(email_message, before_end_of_data)

    first = sent(Says())
    assert domains_of(first) == {"bad.example": 1, "good.example": 3}
    waits = []
    now = NOON
    for _ in range(5):
        until = max(row.paused_until for row in rows() if row.paused_until)
        waits.append(until - now)
        assert domains_of(sent(Says(), now=until - SECOND)) == {}
        with db.transaction() as session:
            late = messages.c.state == "due"
            session.execute(update(messages).where(late).values(due_at=until))
        now = until
        assert domains_of(sent(Says(), now=now)) == {"bad.example": 1}

    assert waits[-1] > 4 * waits[0]
    results.clear()
    now += HOUR
    for _ in range(3):
        sent(Says(), now=now)
        now += MINUTE
    assert {row.deferrals for row in rows()} == {0}
    with db.reading() as session:
        assert set(session.scalars(select(messages.c.state))) == {"sent"}


@throttled(600)
def test_a_greylisting_that_means_one_mailbox_does_not_shun_its_domain(installation):
    due(*["grey.example"] * 6)
    grey = SendResult(SendStatus.DEFERRED, "smtp_450")

    post = sent(
        Post(
            grey,
            SendResult(SendStatus.SENT),
            grey,
            SendResult(SendStatus.SENT),
            grey,
            SendResult(SendStatus.SENT),
        )
    )

    assert len(post.messages) == 6
    assert all(row.paused_until is None for row in rows())


@throttled(600)
def test_three_greylistings_in_a_row_do(installation):
    due(*["grey.example"] * 6)

    post = sent(Post(*[SendResult(SendStatus.DEFERRED, "smtp_450")] * 6))

    assert (
        len(post.messages) == 4
    )  # the answer to the third is recorded at the end of DATA of the fourth
    assert [row.paused_until is not None for row in rows()] == [True]


@throttled(600)
def test_waiting_for_a_domain_that_refuses_us_counts_and_ends_after_three_days(installation):
    order_id = invited(shop(), email="a@bad.example")
    with db.transaction() as session:
        session.execute(update(messages).values(waited_s=retry_policy.LIMIT_S - 10))
        domain_throttle.note(
            session, [(domain_throttle.hashes({1: "b@bad.example"})[1], LATER)], NOON
        )

    assert sent().messages == []
    assert message_of(order_id).waited_s >= retry_policy.LIMIT_S
    with db.transaction() as session:
        session.execute(update(messages).values(due_at=NOON))
    assert sent().messages == []

    assert (message_of(order_id).state, message_of(order_id).reason) == ("refused", "retry_limit")
    assert order_row(order_id).email == "a@bad.example"
    assert decisions_of(order_id)[-1] == ("send_invitation", "retry_limit", "refused")


@throttled()
def test_a_domain_is_kept_as_a_keyed_pseudonym_for_an_hour(installation):
    due("janssen-family.example")
    sent()

    (row,) = rows()
    assert len(row.domain_hash) == 16
    assert b"janssen-family" not in row.domain_hash
    assert "domain_throttle" not in purge.purge_due(NOON + HOUR - SECOND)
    assert purge.purge_due(NOON + HOUR)["domain_throttle"] == 1
    assert rows() == []


@pytest.mark.slow
@throttled()
def test_a_round_with_hundreds_of_one_domain_asks_the_database_as_often_as_one_with_few(
    installation,
):
    def statements(number):
        with db.transaction() as session:
            for table in (messages, domain_throttles):
                session.execute(table.delete())
        due(*["many.example"] * number)
        counted = []
        engine = db.engine()
        event.listen(engine, "before_cursor_execute", note := lambda *a: counted.append(a[2]))
        try:
            with db.transaction() as session:
                lease(session, NOON, kinds.registered())
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(counted)

    few, many = statements(40), statements(300)
    assert many <= few + 3  # the registry is asked in batches


@sqlite_only
@throttled(60)
def test_more_than_two_batches_to_one_domain_do_not_stand_before_the_others(installation):
    due(*["many.example"] * 1200, "few.example")

    assert domains_of(sent()) == {"many.example": 15, "few.example": 1}
    with db.reading() as session:
        last = session.scalar(select(func.max(messages.c.due_at)))
    assert last - NOON < 21 * MINUTE
    assert domains_of(sent(now=NOON + 30 * SECOND)) == {"many.example": 15}
