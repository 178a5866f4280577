"""A relay that takes so many messages a minute gets about as many, and no domain suffers for it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.invitations.sample_orders import NOON, place_many, planned, quiet, shop
from tools.drill.smtp_sink import Sink
from trustsvc.mail.outbox import relay_rate, relay_rate_policy, send
from trustsvc.mail.outbox.models import circuit_breakers, domain_throttles, messages, relay_rates
from trustsvc.mail.outbox.relay_rate_policy import RelayRate, Taken
from trustsvc.mail.transport import open_transport
from trustsvc.storage import db

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SERVER = "mail.example:25"
LIMIT = 20
CONNECTING_S = 1.5  # so late is the first message of a connection, and no other


class Postfix:
    """Counts as its anvil does: each MAIL FROM, from the first of a minute on, refused or not."""

    def __init__(self, line):
        self.line, self.began, self.number = line, None, 0
        self.taken, self.refused = [], []

    def __call__(self, stage, _recipient):
        if stage == "connect":
            self.line.wait(CONNECTING_S)
        if stage != "mail":
            return None
        now = self.line.now.replace(microsecond=0)
        if self.began is None or now >= self.began + MINUTE:
            self.began, self.number = now, 0
        self.number += 1
        if self.number > LIMIT:
            self.refused.append(self.line.now)
            return "mail_450"
        self.taken.append(self.line.now)
        return None


class Line:
    """Simulated time, which goes on while a mailer waits; the scheduler comes every 15 seconds."""

    def __init__(self):
        self.now = NOON

    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)
        return False

    def run(self, url, until):
        while self.now < until:
            due = self.now + relay_rate_policy.STEP
            with quiet(), open_transport(url) as transport:
                while send.send(db.transaction, transport, lambda: self.now, wait=self.wait):
                    pass
            self.now = max(self.now, due)


def count(table, *where):
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where))


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "installation", [{"TRUSTSVC_MAIL_URL": "smtp://127.0.0.1:1"}], indirect=True
)
def test_postfix_with_a_limit_of_20_a_minute_gets_about_20_a_minute_steadily(
    installation,
):
    place_many(shop(), [f"b{number}@m{number % 3}.example" for number in range(100)])
    planned()
    line = Line()
    postfix = Postfix(line)

    with Sink(choose=postfix) as sink:
        url = f"{sink.url}?starttls=never"
        line.run(url, NOON + 5 * MINUTE)

    after = [(moment - NOON) // MINUTE for moment in postfix.taken]
    assert after.count(0) == LIMIT
    steadily = [after.count(minute) for minute in range(2, 5)]
    assert min(steadily) >= 17
    assert sum(steadily) >= 18.5 * len(steadily)
    assert len(postfix.refused) == 1  # at first
    assert count(messages, messages.c.state == "sent") == len(postfix.taken)
    assert count(circuit_breakers, circuit_breakers.c.open_until.is_not(None)) == 0
    assert count(domain_throttles, domain_throttles.c.paused_until.is_not(None)) == 0
    assert count(domain_throttles, domain_throttles.c.deferrals > 0) == 0


def simulated(limit, minutes, before=0):
    """Run the policy alone against a server with a fixed window; gives what it took each minute."""
    rate, now, began, number, taken = None, NOON, None, before, []
    late = SECOND * CONNECTING_S
    while now < NOON + minutes * MINUTE:
        if rate is None:
            moments, all_ = [now] * 500, False
        else:
            moments, all_ = relay_rate_policy.slots(rate, 500, now), True
            rate = relay_rate_policy.used(rate, moments, now, all_=all_)
        end = now + relay_rate_policy.STEP
        for moment in moments:
            now, late = max(now, moment) + late, timedelta(0)
            if began is None or now >= began + MINUTE:
                began, number = now, before if began is None else 0
            number += 1
            if number <= limit:
                taken.append(now)
                continue
            recent = [one for one in taken if one > now - MINUTE]
            answer = Taken(len(recent), recent[0] if recent else None)
            rate = relay_rate_policy.refused(rate, answer, now, 0.5)
            late = SECOND * CONNECTING_S
            break
        now = max(now, end)
    return [
        sum(NOON + m * MINUTE <= one < NOON + (m + 1) * MINUTE for one in taken)
        for m in range(minutes)
    ]


def test_whatever_the_limit_most_of_it_is_used_and_a_limit_that_ended_is_found_to_have_ended():
    for limit in (1, 3, 20, 100, 600):
        a_minute = simulated(limit, 30)[2:]
        assert sum(a_minute) >= 0.75 * limit * len(a_minute), limit
    assert simulated(20, 10, before=20)[2:] != [0] * 8  # somebody else had used it up

    rate = relay_rate_policy.refused(None, Taken(1, NOON), NOON, 0.5)
    now, minutes = NOON + 2 * MINUTE, 0
    while rate is not None:
        given = relay_rate_policy.slots(rate, 500, now)
        rate = relay_rate_policy.used(rate, given, now, all_=bool(given))
        now, minutes = now + relay_rate_policy.STEP, minutes + 1
    assert now < NOON + 25 * MINUTE


def test_a_server_that_takes_none_is_asked_less_often_but_every_quarter_of_an_hour():
    rate, now, pauses = None, NOON, []
    for _ in range(8):
        rate = relay_rate_policy.refused(rate, Taken(0), now, 1)
        pauses.append((rate.paused_until - now) / MINUTE)
        now = rate.paused_until

    assert pauses == [1, 2, 4, 8, 15, 15, 15, 15]
    assert rate.per_minute == 1


def test_what_is_not_tried_does_not_grow_and_a_clock_that_was_wrong_is_not_believed():
    rate = RelayRate(20, NOON, NOON, NOON)
    later = NOON + timedelta(hours=3)

    assert relay_rate_policy.used(rate, [], later, all_=False) == rate
    assert relay_rate_policy.used(rate, [], later, all_=True).per_minute == 21
    wrong = RelayRate(
        20, NOON, NOON, NOON + timedelta(days=9), paused_until=NOON + timedelta(days=9)
    )
    assert relay_rate_policy.slots(wrong, 5, NOON)[0] == NOON
    assert relay_rate_policy.is_forgotten(rate, NOON + timedelta(days=1))
    assert relay_rate_policy.is_forgotten(rate, NOON - timedelta(hours=1))
    assert not relay_rate_policy.is_forgotten(rate, NOON - MINUTE)  # of a host that is behind


@pytest.mark.both_databases
def test_two_mailers_get_slots_of_their_own_and_a_restart_keeps_the_rate(installation):
    with db.transaction() as session:
        assert relay_rate.ask(session, SERVER, NOON, 500).limit == 500
        assert relay_rate.refused(session, SERVER, NOON, unsettled=20) == 20
    now = NOON + 2 * MINUTE
    given = []
    for _ in range(2):
        with db.transaction() as session:
            slots = relay_rate.ask(session, SERVER, now, 3)
            given += relay_rate.leased(session, SERVER, slots, slots.limit, now)

    assert [(one - now) / SECOND for one in given] == pytest.approx([0, 3.1, 6.2, 9.3, 12.4])
    with db.reading() as session:
        assert session.execute(select(relay_rates.c.name, relay_rates.c.per_minute)).all() == [
            (SERVER, 20)
        ]
