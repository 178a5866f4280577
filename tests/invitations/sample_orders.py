"""A shop, orders by the real use cases, and a mail transport that keeps what it gets."""

import itertools
import secrets
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from trustsvc.invitations.message_kind import INVITATIONS
from trustsvc.invitations.models import invitations
from trustsvc.invitations.planning import plan
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import kinds, send
from trustsvc.mail.outbox.models import messages
from trustsvc.orders import accept, decision_log
from trustsvc.orders.models import orders
from trustsvc.orders.received import OrderReceived
from trustsvc.shops import directory, enrol
from trustsvc.shops.models import shops
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

NOON = datetime(2026, 6, 10, 10, tzinfo=UTC)  # a Wednesday, 12:00 in Amsterdam
numbers = itertools.count(1)


def shop(may_ask="customers", delay=0, delay_unit="minutes", **changes):
    with quiet(), db.transaction() as session:
        new = enrol.Enrolment(
            name=changes.pop("name", "Bakfiets & Co"),
            domain="shop.example",
            platform="standard",
            may_ask=may_ask,
            delay=delay,
            delay_unit=delay_unit,
        )
        made, _ = enrol.enrol(session, new, NOON)
        if changes:
            session.execute(update(shops).where(shops.c.id == made.id).values(**changes))
        return directory.by_id(session, made.id)


def received(at_shop, now=NOON, email="jan@mail.example", name="Jan Jansen", **more):
    number = more.pop("identity", f"order-{next(numbers)}")
    body = more.pop("body", secrets.token_bytes(8))  # of a delivery of its own
    order = OrderReceived(
        identity=number,
        created_at=more.pop("created_at", now),
        reference=f"#{number}",
        email=email,
        name=name,
        locale=more.pop("locale", "nl-NL"),
        **more,
    )
    return accept.incoming_order(at_shop, order, body)


def place(at_shop, now=NOON, **order):
    """Take an order in through the orders' own use case; gives its id."""
    with db.transaction() as session, quiet():
        accept.accept(session, [received(at_shop, now, **order)], now)
        return session.scalar(select(orders.c.id).order_by(orders.c.id.desc()).limit(1))


def place_many(at_shop, emails, now=NOON):
    """Take in an order of each address, in one transaction."""
    with db.transaction() as session, quiet():
        accept.accept(session, [received(at_shop, now, email=email) for email in emails], now)


def quiet():
    return job_queue.capture(lambda _: None)


def planned(now=NOON):
    with quiet(), db.transaction() as session:
        return plan.plan_invitations(session, now)


def invited(at_shop, now=NOON, **order):
    """Place an order and plan its invitation; gives the order's id."""
    order_id = place(at_shop, now, **order)
    planned(now)
    return order_id


def message_values(invitation_id, kind="invitation", at=NOON, **more):
    """Give the columns of a message, for tests that write history instead of sending it."""
    plain = {"shop_id": 1, "priority": 5, "state": "sent", "due_at": at, "attempts": 1}
    return {
        "subject_id": invitation_id,
        "kind": kind,
        "token": secrets.token_bytes(16),
        "sent_at": at,
        **plain,
        **more,
    }


class Post:
    """A mail transport that keeps its messages; `results` says what becomes of the next ones."""

    def __init__(self, *results, meanwhile=None):
        self.messages = []
        self.results = list(results)
        self.meanwhile = meanwhile

    def send(self, email_message, before_end_of_data):
        outcome = self.results.pop(0) if self.results else SendResult(SendStatus.SENT)
        if self.meanwhile:
            self.meanwhile()
        if outcome.reason != "before_end_of_data":
            before_end_of_data()
        self.messages.append(email_message)
        return outcome


def sent(post=None, now=NOON):
    post = post or Post()
    with quiet():
        send.send(db.transaction, post, lambda: now)
    return post


def sent_invitations(post=None, now=NOON):
    """Send invitations and reminders, and leave transactional mail for whoever looks for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "registered", lambda: [INVITATIONS])
        return sent(post, now)


def message_of(order_id, kind="invitation"):
    with db.reading() as session:
        return session.execute(
            select(messages)
            .join(invitations, invitations.c.id == messages.c.subject_id)
            .where(invitations.c.order_id == order_id, messages.c.kind == kind)
        ).first()


def invitation_of(order_id):
    with db.reading() as session:
        return session.execute(
            select(invitations).where(invitations.c.order_id == order_id)
        ).first()


def order_row(order_id):
    with db.reading() as session:
        return session.execute(select(orders).where(orders.c.id == order_id)).one()


def decisions_of(order_id):
    with db.reading() as session:
        return [
            (line.step, line.rule, line.outcome)
            for line in decision_log.of_order(session, order_id)
        ]
