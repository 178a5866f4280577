"""What goes wrong with one connection of a group, or between two transactions, costs no more."""

import socket
import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from tests.invitations.sample_orders import NOON, message_of, order_row, place_many, planned, shop
from tests.mail.mail_server import MailServer
from tests.mail.outbox.test_sending_round import MINUTE, many, reached, run_a_round, states
from tests.waiting import PATIENCE_S
from trustsvc.mail.message import FailureScope, SendResult, SendStatus
from trustsvc.mail.outbox import rate_policy
from trustsvc.mail.outbox.models import domain_throttles, messages
from trustsvc.registry import opt_out
from trustsvc.storage import db

pytestmark = [pytest.mark.slow, pytest.mark.both_databases]


class PipeliningServer:
    """A mail server whose connections are each one call of a function, by their number."""

    def __init__(self, serve):
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0

    def __enter__(self):
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _run(self):
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            arguments = (link, self.connections)
            threading.Thread(target=self._one, args=arguments, daemon=True).start()

    def _one(self, link, number):
        with link, link.makefile("rb") as lines:
            try:
                link.sendall(b"220 here\r\n")
                lines.readline()
                link.sendall(b"250-here\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
                self._serve(link, lines, number)
            except OSError:
                return


def take_all(link, lines):
    while True:
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
            command = lines.readline()
            if not command or command.startswith(b"QUIT"):
                return
            link.sendall(reply)
        while (line := lines.readline()) != b".\r\n":
            if not line:
                return
        link.sendall(b"250 taken\r\n")


def cut_but_the_first(link, lines, number):
    if number == 1:
        take_all(link, lines)
    else:
        lines.readline()


def closing_after_the_second(link, lines, number):
    if number <= 2:
        take_all(link, lines)
    else:
        lines.readline()
        link.sendall(b"421 4.3.2 too many connections\r\n")
        link.shutdown(socket.SHUT_WR)
        link.recv(65536)


@pytest.mark.parametrize(
    ("serve", "size", "most_deferred"),
    [(cut_but_the_first, 3, 2), (closing_after_the_second, 8, 6)],
)
def test_a_server_that_cuts_some_connections_is_not_asked_for_them_again(
    installation, serve, size, most_deferred
):
    ids = many(40)

    with PipeliningServer(serve) as server:
        run_a_round(server, size=size)

    after = states(ids)
    assert after["sent"] >= len(ids) - most_deferred, after
    assert server.connections <= size + 1


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_domain_that_refuses_a_group_once_waits_as_for_one(installation, size):
    place_many(shop(), [f"b{number}@same.example" for number in range(20)])
    planned()

    with MailServer(says={"RCPT": ["450 4.7.1 we defer you"]}) as server:
        run_a_round(server, size=size)

    with db.reading() as session:
        refused = rate_policy.deferrals(0, SendResult(SendStatus.DEFERRED, "", FailureScope.DOMAIN))
        assert session.execute(select(domain_throttles)).one().deferrals == refused


def test_what_was_handed_over_by_a_commit_of_unknown_outcome_did_not_leave(installation):
    ids, number = many(9), [0]

    @contextmanager
    def opened():
        number[0] += 1
        is_the_third = number[0] == 3
        with db.transaction() as session:
            yield session
        if is_the_third:
            raise RuntimeError("the answer to COMMIT was lost")

    with MailServer() as server:
        with pytest.raises(RuntimeError):
            run_a_round(server, size=3, opened=opened)
        run_a_round(server, size=3, now=NOON + MINUTE)
        arrived = reached(server)

    assert states(ids) == {"sent": 9}
    assert set(arrived.values()) == {1}
    with db.reading() as session:
        assert set(session.scalars(select(messages.c.state))) == {"sent"}


@pytest.mark.parametrize(
    "installation", [{"TRUSTSVC_MAIL_URL": "smtp://127.0.0.1:2525"}], indirect=True
)
def test_an_opt_out_while_the_group_before_is_settled_counts(installation, database):
    if database == "sqlite":
        pytest.skip("one writer: nothing is committed in between")
    ids, number, threads = many(4), [0], []
    held, release = threading.Event(), threading.Event()

    def lease_of_another_mailer():
        with db.transaction() as session:
            session.execute(select(domain_throttles).with_for_update()).all()
            held.set()
            release.wait(PATIENCE_S)

    def object_meanwhile():
        with db.transaction() as session:
            opt_out.opt_out(session, order_row(ids[2]).email, 0, "objection", NOON)
        release.set()

    @contextmanager
    def opened():
        number[0] += 1
        if number[0] == 3:  # the hand-over of the second group
            threads.extend(
                threading.Thread(target=one) for one in (lease_of_another_mailer, object_meanwhile)
            )
            threads[0].start()
            held.wait(PATIENCE_S)
            timer = threading.Timer(0.5, threads[1].start)
            timer.start()
        with db.transaction() as session:
            yield session

    with MailServer(says={"DOT": ["451 4.3.0 later", "250 ok"]}) as server:
        run_a_round(server, size=2, opened=opened)
        for one in threads:
            one.join()

    assert message_of(ids[2]).state == "dropped"
