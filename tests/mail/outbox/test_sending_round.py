"""Messages over several connections: a group is one transaction, and each connection its own risk.

Also tests:
trustsvc/mail/group_transport.py
trustsvc/mail/outbox/hand_over.py
"""

import re
import threading
from collections import Counter
from contextlib import closing, contextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.invitations.sample_orders import (
    NOON,
    Post,
    message_of,
    order_row,
    place_many,
    planned,
    quiet,
    shop,
)
from tests.mail.mail_server import MailServer
from tests.mail.test_message import email_message
from tests.waiting import PATIENCE_S
from trustsvc.mail import group_transport, smtp, smtp_connection
from trustsvc.mail.message import FailureScope, SendResult, SendStatus
from trustsvc.mail.outbox import circuit_breaker, kinds, lease, send, send_suspension, sending_round
from trustsvc.mail.outbox.models import circuit_breakers, messages
from trustsvc.orders.models import orders
from trustsvc.registry import opt_out
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

MINUTE = timedelta(minutes=1)
SIZE = 3


class Crash(BaseException):
    """The process is gone."""


def many(number, prefix="b", at_shop=None, now=NOON):
    """Plan so many invitations, each to another domain; gives the ids of their orders."""
    at_shop = at_shop or shop()
    place_many(at_shop, [f"{prefix}{one}@d{one}.example" for one in range(number)], now)
    planned(now)
    with db.reading() as session:
        newest = select(orders.c.id).order_by(orders.c.id.desc()).limit(number)
        return session.scalars(newest).all()[::-1]


def run_a_round(server, size=SIZE, now=NOON, opened=db.transaction):
    url = f"{server.url}?starttls=never"
    with quiet(), closing(smtp.SmtpTransport(url, "reviews@trust.example", size)) as transport:
        return send.send(opened, transport, lambda: now)


def states(ids):
    return Counter(message_of(one).state for one in ids)


def reached(server):
    """Count the messages that arrived, by address."""
    found = [re.search(rb"^To: [^<]*<([^>]+)>", one, re.MULTILINE) for one in server.messages]
    return Counter(one[1].decode() for one in found)


def failures():
    with db.reading() as session:
        return session.scalar(select(circuit_breakers.c.failures))


class Steps:
    """Ends the process at its n-th step: a write to the server, a reply, a begin or a commit."""

    def __init__(self, monkeypatch):
        self.left, self.is_dead = 0, False
        for name in ("send_all", "getreply"):
            plain = getattr(smtp_connection.PlainConnection, name)
            monkeypatch.setattr(smtp_connection.PlainConnection, name, self.counted(plain))

    def step(self):
        self.left -= 1
        if self.left == 0:
            self.is_dead = True
        if self.is_dead:
            raise Crash

    def counted(self, plain):
        def call(*given):
            if not self.is_dead:  # the kernel closes its connections, and says nothing more
                self.step()
            return plain(*given)

        return call

    @contextmanager
    def opened(self):
        self.step()
        with db.transaction() as session:
            yield session
        self.step()


@pytest.mark.parametrize("installation", [{"TRUSTSVC_MAIL_PACE": "0"}], indirect=True)
@pytest.mark.parametrize("size", [1, 2])
def test_a_kill_at_any_step_leaves_one_unknown_delivery_a_connection_and_none_twice(
    installation, size, monkeypatch
):
    at_shop, steps, unknown = shop(), Steps(monkeypatch), []
    with MailServer() as server:
        for number in range(1, 200):
            ids = many(3, f"k{number}-", at_shop)
            steps.left, steps.is_dead = number, False
            with suppress(Crash):
                run_a_round(server, size, opened=steps.opened)
            died, steps.left, steps.is_dead = steps.is_dead, 0, False
            handed = states(ids)["handed"]
            run_a_round(server, size, now=NOON + MINUTE)

            ends = states(ids)
            assert ends["unknown"] == handed <= size
            assert ends["sent"] == 3 - handed
            assert max(reached(server).values()) == 1
            for one in ids:
                arrived = reached(server)[order_row(one).email]
                assert arrived == 1 or message_of(one).state == "unknown"
            unknown.append(handed)
            if not died:
                break

    assert not died
    assert max(unknown) == size


def test_a_group_goes_out_side_by_side_in_one_transaction(installation):
    ids = many(2 * SIZE)
    begun = []

    @contextmanager
    def opened():
        begun.append(1)
        with db.transaction() as session:
            yield session

    with MailServer() as server:
        run_a_round(server, opened=opened)

    assert states(ids) == {"sent": 2 * SIZE}
    assert set(reached(server).values()) == {1}
    assert (server.connections, len(begun)) == (SIZE, 4)  # lease, two groups, the end


def test_a_server_that_answers_one_connection_slowly_harms_no_other(installation):
    ids = many(SIZE)
    others = threading.Semaphore(0)

    def slowly():
        for _ in range(SIZE - 1):
            assert others.acquire(timeout=PATIENCE_S)
        return "250 taken at last"

    def at_once():
        others.release()
        return "250 taken"

    with MailServer(says={"DOT": [slowly, at_once]}) as server:
        run_a_round(server)

    assert states(ids) == {"sent": SIZE}
    assert len(server.messages) == SIZE


def meanwhile(do, at):
    """Do something right before the transaction of this number."""
    begun = []

    @contextmanager
    def opened():
        begun.append(1)
        if len(begun) == at:
            do()
        with db.transaction() as session:
            yield session

    return opened


def test_an_opt_out_between_data_and_the_mark_keeps_back_its_message_alone(installation):
    ids = many(SIZE + 1)

    def objects():
        with db.transaction() as session:
            opt_out.opt_out(session, "b1@d1.example", 0, "objection", NOON)

    with MailServer() as server:
        run_a_round(server, opened=meanwhile(objects, at=2))

    assert states(ids) == {"dropped": 1, "sent": SIZE}
    assert "b1@d1.example" not in reached(server)
    assert sorted(reached(server).values()) == [1, 1, 1]


def test_a_suspension_between_data_and_the_mark_keeps_back_the_group_and_ends_the_round(
    installation,
):
    ids = many(SIZE + 2)

    def suspend():
        with db.transaction() as session:
            send_suspension.stop(session, send_suspension.COMPLAINTS, "complaint_rate", NOON)

    with MailServer() as server:
        assert not run_a_round(server, opened=meanwhile(suspend, at=2))

    assert (states(ids), server.messages) == ({"due": SIZE + 2}, [])
    assert server.connections == SIZE


@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
@pytest.mark.parametrize(
    ("step", "answer", "state"),
    [
        ("RCPT", "550 5.1.1 nobody", "refused"),
        ("RCPT", "450 4.2.0 greylisted", "due"),
        ("DATA", "554 no", "refused"),
        ("DOT", "550 5.1.1 nobody", "refused"),
        ("DOT", "452 4.3.1 no room", "due"),
        ("DOT", "nonsense", "unknown"),
    ],
)
def test_one_refused_recipient_of_a_group_changes_nothing_for_the_others(
    installation, step, answer, state, offers
):
    ids = many(2 * SIZE)
    good = "354 go on" if step == "DATA" else "250 ok"

    with MailServer(says={step: [good, answer, good]}, offers=offers) as server:
        run_a_round(server)

    assert states(ids) == {state: 1, "sent": 2 * SIZE - 1}
    assert len(server.messages) == 2 * SIZE - 1
    assert set(reached(server).values()) == {1}
    assert failures() is None
    assert not server.did_not_wait


@pytest.mark.parametrize(
    ("step", "state"), [("MAIL", "due"), ("RCPT", "due"), ("DATA", "due"), ("DOT", "unknown")]
)
def test_one_connection_that_is_cut_changes_nothing_for_the_others(installation, step, state):
    ids = many(2 * SIZE)

    with MailServer(hangs_up_at=[step]) as server:
        run_a_round(server)

    assert states(ids) == {state: 1, "sent": 2 * SIZE - 1}
    assert set(reached(server).values()) == {1}
    assert failures() is None  # the others say that the server works


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DOT"])
def test_a_421_in_the_middle_closes_one_connection_and_the_others_go_on(installation, step):
    ids = many(3 * SIZE)

    with MailServer(says={step: ["250 ok", "421 closing", "250 ok"]}) as server:
        run_a_round(server)

    assert states(ids) == {"due": 1, "sent": 3 * SIZE - 1}
    assert set(reached(server).values()) == {1}
    assert server.connections == SIZE  # it is not asked for another one in this round


def test_connections_that_were_closed_while_idle_are_opened_once_more(installation):
    ids = many(2 * SIZE)

    with MailServer(says={"MAIL": ["250 ok"] * SIZE + ["421 idle"] * SIZE + ["250 ok"]}) as server:
        run_a_round(server)

    assert (states(ids), server.connections) == ({"sent": 2 * SIZE}, 2 * SIZE)


@pytest.mark.parametrize("allows", [1, 2])
def test_where_the_server_allows_fewer_connections_those_go_on(installation, allows):
    ids = many(10)

    with MailServer(allows=allows) as server:
        assert not run_a_round(server, size=4)

    assert states(ids) == {"sent": 10}
    assert {message_of(one).attempts for one in ids} == {1}
    assert set(reached(server).values()) == {1}
    assert (server.most_at_once, server.connections) == (allows, allows + 1)
    assert failures() is None


def test_a_reconnect_that_is_refused_leaves_its_message_to_the_other_connections(installation):
    ids = many(2 * SIZE)

    def closing_for_good():
        server.allows = 0
        return "421 fewer now"

    with MailServer(
        says={"MAIL": ["250 ok"] * (SIZE + 1) + [closing_for_good, "250 ok"]}
    ) as server:
        run_a_round(server)

    assert states(ids) == {"sent": 2 * SIZE}
    assert set(reached(server).values()) == {1}
    assert failures() is None


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL"])
def test_a_server_that_fails_is_tried_by_one_group_and_then_by_one_message(installation, step):
    ids = many(30)

    with MailServer(says={step: ["421 closing"]}) as server:
        for _ in range(3):
            assert not run_a_round(server)

    most = SIZE + circuit_breaker.rate_policy.MAX_FAILURES - 1
    assert states(ids) == {"due": 30}
    assert 0 < sum(message_of(one).attempts for one in ids) <= most
    assert server.connections <= most


class Groups:
    """A transport that notes the sizes of its groups; a mail server is not asked."""

    def __init__(self, *results, size=SIZE):
        self.size = size
        self.results = list(results)
        self.sizes = []

    def send_group(self, email_messages, before_end_of_data):
        self.sizes.append(len(email_messages))
        leaving = before_end_of_data(range(len(email_messages)))
        fine = SendResult(SendStatus.SENT)
        return [
            (self.results.pop(0) if self.results else fine) if at in leaving else None
            for at in range(len(email_messages))
        ]


def leased(number):
    many(number)
    with quiet(), db.transaction() as session:
        return lease.lease(session, NOON, kinds.registered())


def a_round(wait=lambda _: False, now=lambda: NOON):
    gate = circuit_breaker.Gate("maildir", 100)
    return sending_round.SendingRound(db.transaction, now, gate, wait)


def test_only_messages_whose_moment_has_come_go_out_together(installation):
    clock = [NOON]

    def wait(seconds):
        clock[0] += timedelta(seconds=seconds)

    drafts, groups = leased(7), Groups()
    moments = [NOON + timedelta(seconds=s) for s in (0, 0, 0, 0, 5, 10, 10)]

    assert a_round(wait, lambda: clock[0]).send_all(drafts, moments, groups)

    assert groups.sizes == [3, 1, 1, 2]


def test_who_is_asked_to_stop_finishes_the_group_and_begins_no_other(installation):
    drafts, groups = leased(7), Groups()

    assert not a_round(lambda _: bool(groups.sizes)).send_all(drafts, [NOON] * 7, groups)

    assert groups.sizes == [SIZE]


def test_what_was_not_tried_goes_first_in_the_next_group(installation):
    drafts = leased(5)
    groups = Groups(SendResult(SendStatus.SENT), smtp.UNTRIED, smtp.UNTRIED)

    this_round = a_round()
    assert this_round.send_all(drafts, [NOON] * 5, groups)
    this_round.end(drafts[0].lease)

    assert groups.sizes == [3, 3, 1]


def test_after_a_refusal_for_a_rate_the_group_is_the_last(installation):
    drafts = leased(7)
    too_much = SendResult(SendStatus.DEFERRED, "smtp_450", FailureScope.RATE)
    groups = Groups(SendResult(SendStatus.SENT), too_much, too_much)

    this_round = a_round()
    assert not this_round.send_all(drafts, [NOON] * 7, groups)
    this_round.end(drafts[0].lease)

    assert groups.sizes == [SIZE]
    with db.reading() as session:
        found = Counter(session.scalars(select(messages.c.state)))
    assert found == {"sent": 1, "due": 6}


def test_a_transport_without_connections_sends_one_after_another():
    post = Post()
    plain = group_transport.grouped(post)

    assert plain.size == 1
    assert plain.send_group([email_message()], lambda places: places) == [
        SendResult(SendStatus.SENT)
    ]
    assert plain.send_group([email_message()], lambda _: ()) == [None]
    assert len(post.messages) == 1
    grouped = smtp.SmtpTransport("smtp://127.0.0.1:1", "a@b.example", 4)
    assert group_transport.grouped(grouped) is grouped
