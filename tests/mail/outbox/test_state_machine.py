"""Any history of orders, sends, failures and changed minds: one message, none against an opt-out.

Real use cases on a SQLite file. `STEPS=50000` walks longer than the tests do. The machine keeps
a record of its own of what may have arrived and of who must not be asked, and compares
after every step.

Also tests:
trustsvc/mail/outbox/expired_leases.py
trustsvc/mail/outbox/unknown_deliveries.py
"""

import os
import shutil
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from trustsvc import config
from trustsvc.crypto import keyring
from trustsvc.errors import Gone
from trustsvc.invitations import redeem, unsubscribe
from trustsvc.invitations.models import invitations
from trustsvc.invitations.planning import plan, reminders
from trustsvc.mail.message import FailureScope, SendResult, SendStatus
from trustsvc.mail.outbox import send
from trustsvc.mail.outbox.models import messages
from trustsvc.orders import accept
from trustsvc.orders.models import orders
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.orders.received import OrderReceived
from trustsvc.registry.opt_out import opt_out
from trustsvc.reviews import submit
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

A_WALK = 50
STEPS = int(os.environ.get("STEPS") or 1000)
ROUNDS = 24  # a week, with the reminders
MOST_ROUNDS = 60  # a round sends one message at least, and each of two shops has 12 buyers to ask
CAP = timedelta(days=30)
BUYERS = [f"buyer{number}@mail.example" for number in range(12)]
FINE = ReviewInput(stars=4, title="Good", text="Came on time.", name="A", city="B", consent=True)

buyers = st.sampled_from(BUYERS)
shop_numbers = st.integers(0, 1)
RESULTS = {
    "sent": SendResult(SendStatus.SENT),
    "later before": SendResult(SendStatus.DEFERRED, "before_end_of_data"),
    "later after": SendResult(SendStatus.DEFERRED, "smtp_452"),
    "refused": SendResult(SendStatus.REFUSED, "smtp_550"),
    "unknown": SendResult(SendStatus.UNKNOWN, "no_answer"),
    "policy": SendResult(SendStatus.DEFERRED, "policy", FailureScope.DOMAIN),
    "grey": SendResult(SendStatus.DEFERRED, "smtp_450"),
    "closing": SendResult(SendStatus.DEFERRED, "smtp_421", FailureScope.SERVER),
    "away": SendResult(SendStatus.DEFERRED, "no_connection"),
    "crash before": None,
    "crash after": None,
}
BEFORE = {"later before", "policy", "grey", "closing", "away"}
MAY_ARRIVE = {"sent", "unknown", "crash after"}


class Crash(BaseException):
    """The process is gone: it reports nothing of its end."""


class Transport:
    """Treats each message as set, and reports to the machine what may have arrived."""

    def __init__(self, machine, results, meanwhile=None):
        self.machine, self.results, self.is_dead = machine, list(results), False
        self.meanwhile, self.size = meanwhile, machine.connections

    def send_group(self, email_messages, before_end_of_data):
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            meanwhile()
        results = [self.results.pop(0) if self.results else "sent" for _ in email_messages]
        if "crash before" in results:
            self.die()
        ready = [at for at, result in enumerate(results) if result not in BEFORE]
        leaving = before_end_of_data(ready) if ready else ()
        for at in leaving:
            if results[at] in MAY_ARRIVE:
                self.machine.arrived[email_messages[at].message_id] += 1
        if any(results[at] == "crash after" for at in leaving):
            self.die()
        return [
            RESULTS[result] if result in BEFORE or at in leaving else None
            for at, result in enumerate(results)
        ]

    def die(self):
        self.is_dead = True
        raise Crash


class Machine(RuleBasedStateMachine):
    placed = Bundle("placed")
    connections = 1

    @initialize()
    def begin(self):
        self.now = NOON
        self.arrived = Counter()
        self.opt_outs = set()  # (shop id or 0, address)
        self.over = set()  # ids of orders
        self.orders = {}
        self.leases = []
        self.shops = [
            sample_orders.shop(name="One", reminder_days=5),
            sample_orders.shop(name="Two"),
        ]

    def take(self, number, at_shop, buyer, **news):
        order = OrderReceived(
            identity=number,
            created_at=news.pop("created_at", self.now),
            reference=number,
            email=buyer,
            name="Jan",
            locale="nl-NL",
            **news,
        )
        shop = self.shops[at_shop]
        with quiet(), db.transaction() as session:
            item = accept.incoming_order(shop, order, number.encode())
            return accept.accept(session, [item], self.now)[0].status

    @rule(target=placed, buyer=buyers, at_shop=shop_numbers, at_once=st.booleans())
    def order(self, buyer, at_shop, at_once):
        number = f"order-{len(self.orders)}"
        assert self.take(number, at_shop, buyer) == "accepted"
        with db.reading() as session:
            order_id = session.scalar(select(func.max(orders.c.id)))
        one = SimpleNamespace(id=order_id, number=number, shop=at_shop, buyer=buyer, at=self.now)
        self.orders[order_id] = one
        if at_once:
            self.plan()
        return one

    @rule(one=placed, news=st.sampled_from(["duplicate", "shipped"]))
    def duplicate(self, one, news):
        more = {"shipped_at": self.now} if news == "shipped" else {}
        assert self.take(one.number, one.shop, one.buyer, created_at=one.at, **more) == "duplicate"

    @rule(one=placed, other=st.sampled_from(["BUYER{}@MAIL.example", " buyer{}@mail.EXAMPLE"]))
    def import_again(self, one, other):
        spelt = other.format(one.buyer[5:].partition("@")[0]).strip()
        self.take(one.number, one.shop, spelt, created_at=one.at)

    @rule(one=placed, how=st.sampled_from([PlatformStatus.CANCELLED, PlatformStatus.REFUNDED]))
    def cancel_or_refund(self, one, how):
        self.take(one.number, one.shop, one.buyer, created_at=one.at, platform_status=how)
        self.over.add(one.id)

    @rule()
    def plan(self):
        with quiet(), db.transaction() as session:
            plan.plan_invitations(session, self.now)
            reminders.plan_due_reminders(session, self.now)

    @rule(results=st.lists(st.sampled_from(list(RESULTS)), max_size=5))
    def send(self, results):
        self.run_a_round(Transport(self, results))

    @rule(buyer=buyers, everywhere=st.booleans(), results=st.lists(st.sampled_from(list(RESULTS))))
    def change_of_mind_while_sending(self, buyer, everywhere, results):
        def meanwhile():
            self.object(buyer, EVERY_SHOP if everywhere else self.shops[0].id)

        self.run_a_round(Transport(self, results, meanwhile))

    def run_a_round(self, mail_transport):
        """Send; a process that died makes no transaction any more, its last one included."""
        looked = []

        @contextmanager
        def opened():
            if mail_transport.is_dead:
                raise Crash
            with db.transaction() as session:
                yield session
            if not looked:
                looked.append(self.nobody_is_leased_against_an_opt_out())

        with quiet(), suppress(Crash):
            send.send(opened, mail_transport, lambda: self.now)

    def nobody_is_leased_against_an_opt_out(self):
        with db.reading() as session:
            leased = session.scalars(
                select(invitations.c.order_id)
                .join(messages, messages.c.subject_id == invitations.c.id)
                .where(messages.c.state == "leased", messages.c.lease.not_in(self.leases))
            ).all()
            self.leases += session.scalars(
                select(messages.c.lease).where(messages.c.state == "leased").distinct()
            ).all()
        for order_id in leased:
            one = self.orders[order_id]
            assert order_id not in self.over
            assert self.opt_outs.isdisjoint(
                {(EVERY_SHOP, one.buyer), (self.shops[one.shop].id, one.buyer)}
            )

    @rule(buyer=buyers, at_shop=st.none() | shop_numbers)
    def opt_out(self, buyer, at_shop):
        self.object(buyer, EVERY_SHOP if at_shop is None else self.shops[at_shop].id)

    def object(self, buyer, shop_id):
        with db.transaction() as session:
            opt_out(session, buyer, shop_id, "objection", self.now)
        self.opt_outs.add((shop_id, buyer))

    @rule(one=placed, everywhere=st.booleans())
    def stop(self, one, everywhere):
        _, invitation = self.invitation_of(one)
        if invitation is None:
            return
        with db.transaction() as session:
            done = unsubscribe.unsubscribe(session, invitation, self.now, everywhere=everywhere)
        if done.shop:
            self.opt_outs.add((self.shops[one.shop].id, one.buyer))
        if done.everywhere:
            self.opt_outs.add((EVERY_SHOP, one.buyer))

    @rule(one=placed)
    def review(self, one):
        link, _ = self.invitation_of(one)
        if link is None:
            return
        try:
            with quiet(), db.transaction() as session:
                submit.submit(session, link, FINE, self.now)
        except Gone:
            return
        self.over.add(one.id)

    @rule(step=st.sampled_from([1, 50, 50, 600, 86400, 5 * 86400]))
    def time_passes(self, step):
        self.now += timedelta(seconds=step)

    def invitation_of(self, one):
        """Give the link of an order's invitation, and what is known of it; None before it is."""
        with db.reading() as session:
            link = session.scalar(
                select(invitations.c.link).where(invitations.c.order_id == one.id)
            )
            return (link, redeem.find(session, link)) if link else (None, None)

    @invariant()
    def no_message_may_have_arrived_twice(self):
        assert [name for name, times in getattr(self, "arrived", {}).items() if times > 1] == []

    @invariant()
    def the_cap_of_a_buyer_is_kept(self):
        with db.reading() as session:
            rows = session.execute(
                select(orders.c.shop_id, orders.c.buyer_pseudonym, messages.c.sent_at)
                .join_from(orders, invitations, invitations.c.order_id == orders.c.id)
                .join(messages, messages.c.subject_id == invitations.c.id)
                .where(messages.c.kind == "invitation", messages.c.sent_at.is_not(None))
                .where(orders.c.buyer_pseudonym.is_not(None))
                .order_by(messages.c.sent_at)
            ).all()
        before = {}
        for shop_id, buyer, at in rows:
            last = before.get((shop_id, buyer))
            assert last is None or at - last >= CAP
            before[shop_id, buyer] = at

    def open_rows(self):
        with db.reading() as session:
            open_orders = session.scalars(
                select(orders.c.id).where(orders.c.state != "settled")
            ).all()
            open_messages = session.scalars(
                select(messages.c.id).where(
                    messages.c.state.in_(("leased", "handed"))
                    | ((messages.c.state == "due") & (messages.c.kind == "invitation"))
                )
            ).all()
        return open_orders, open_messages

    def teardown(self):
        """Let everything come to its end: each order is decided on, each message settled."""
        if not hasattr(self, "now"):
            return
        for number in range(MOST_ROUNDS):
            self.now += timedelta(hours=7)
            self.plan()
            self.run_a_round(Transport(self, []))
            if not any(still_open := self.open_rows()) and number > ROUNDS:
                break
        assert still_open == ([], [])
        self.no_message_may_have_arrived_twice()
        self.the_cap_of_a_buyer_is_kept()


@pytest.mark.slow
@pytest.mark.timeout(max(600, STEPS // 10))
@pytest.mark.parametrize("number", [1, 3])
def test_no_history_breaks_a_promise(tmp_path, sqlite_template, redis_server, number):
    """Each walk on a fresh copy of the database, as hypothesis begins and tears down."""
    walks = iter(range(10**9))
    steps = 0

    class Walk(Machine):
        connections = number

        def __init__(self):
            nonlocal steps
            db.dispose_engines()
            place = tmp_path / f"walk{next(walks)}"
            place.mkdir()
            shutil.copy(sqlite_template, place / "trustsvc.db")
            self.place = place
            environ = {"TRUSTSVC_DATA": str(place), "TRUSTSVC_REDIS_URL": redis_server}
            environ |= {"TRUSTSVC_MAIL_URL": "smtp://127.0.0.1:1", "TRUSTSVC_MAIL_PACE": "8"}
            config.use(config.load(environ))
            keyring.make_all()
            super().__init__()
            steps -= 1  # the first look of a walk is before its first step

        def check_invariants(self, *given):
            nonlocal steps
            super().check_invariants(*given)
            steps += 1

        def teardown(self):
            try:
                super().teardown()
            finally:
                db.dispose_engines()
                shutil.rmtree(self.place)

    try:
        while steps < STEPS:  # some walks end early
            run_state_machine_as_test(
                Walk,
                settings=settings(
                    max_examples=1 + (STEPS - steps) // A_WALK,
                    stateful_step_count=A_WALK,
                    deadline=None,
                    database=None,
                    print_blob=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
    finally:
        config.use(None)
