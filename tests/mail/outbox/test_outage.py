"""Six hours without a mail server: nothing lost, nothing twice, and no burst when it is back."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.invitations.sample_orders import NOON, place_many, planned, quiet, shop
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import send
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BEGINS = NOON - 2 * HOUR  # 10:00 in Amsterdam
A_MINUTE = 10


class Line:
    """A mail server that is away for a while; each second it takes messages, it notes them."""

    def __init__(self):
        self.is_away = False
        self.now = BEGINS
        self.arrived = []
        self.asked = 0

    def send(self, email_message, before_end_of_data):
        self.asked += 1
        if self.is_away:
            return SendResult(SendStatus.DEFERRED, "no_connection")
        before_end_of_data()
        self.arrived.append((self.now, email_message.to_address))
        return SendResult(SendStatus.SENT)

    def round(self):
        with quiet():
            send.send(db.transaction, self, lambda: self.now)


def place(at_shop, first, number, now):
    place_many(at_shop, [f"b{n}@d{n % 7}.example" for n in range(first, first + number)], now)
    planned(now)


@pytest.mark.slow
@pytest.mark.parametrize(
    "installation", [{"TRUSTSVC_MAIL_URL": "smtp://127.0.0.1:1"}], indirect=True
)
def test_an_outage_of_six_hours_loses_nothing_sends_nothing_twice_and_ends_without_a_burst(
    installation,
):
    at_shop, line, placed = shop(), Line(), 0

    def live(until, new, step):
        nonlocal placed
        while line.now < until:
            if line.now.second == 0:
                place(at_shop, placed, new, line.now)
                placed += new
            line.round()
            line.now += step

    live(BEGINS + 10 * MINUTE, A_MINUTE, 15 * SECOND)
    assert len(line.arrived) == placed
    line.is_away, line.asked = True, 0
    live(BEGINS + 10 * MINUTE + 6 * HOUR, 3, 6 * MINUTE)
    asked, line.is_away, returned = line.asked, False, line.now
    # A pause may have begun just before: a quarter of an hour, and then what waited, slowly.
    live(returned + 45 * MINUTE, 1, 15 * SECOND)

    assert asked < 60
    assert len(line.arrived) == placed
    assert len({address for _, address in line.arrived}) == placed
    with db.reading() as session:
        states = select(messages.c.state, func.count()).group_by(messages.c.state)
        assert session.execute(states).all() == [("sent", placed)]
    since = Counter(at for at, _ in line.arrived if at >= returned)
    minutes = [sum(since[at + n * 15 * SECOND] for n in range(4)) for at in since]
    assert max(minutes) <= 2 * A_MINUTE
