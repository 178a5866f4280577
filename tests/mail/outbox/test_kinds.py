from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from tests.invitations.sample_orders import (
    NOON,
    invited,
    message_of,
    place,
    planned,
    quiet,
    sent,
    shop,
)
from trustsvc import message_kinds
from trustsvc.mail.outbox import kinds, lease, pending, retry_policy
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db
from trustsvc.transactional_mail import enqueue
from trustsvc.transactional_mail.models import transactional_messages

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]


@pytest.fixture
def unregistered(monkeypatch):
    monkeypatch.setattr(kinds, "_by_name", {})
    monkeypatch.setattr(kinds, "_providers", [])


def test_a_process_that_registers_no_kinds_can_neither_send_nor_add(installation, unregistered):
    with pytest.raises(kinds.UnregisteredKind):
        sent()
    with pytest.raises(kinds.UnregisteredKind):
        invited(shop())


def test_a_message_of_an_unknown_kind_is_not_added(installation):
    new = pending.NewMessage("newsletter", 1, 0, NOON)

    with pytest.raises(kinds.UnregisteredKind, match="newsletter"), db.transaction() as session:
        pending.add(session, [new])


def test_kinds_are_registered_once_however_often_it_is_asked_for():
    message_kinds.register()

    assert [kind.names for kind in kinds.registered()] == [
        ("transactional",),
        ("invitation", "reminder"),
    ]


def test_kinds_are_registered_when_the_first_is_asked_for_and_once(unregistered):
    calls = []

    def provider():
        calls.append(1)
        message_kinds.register()

    kinds.register_when_needed(provider)
    assert calls == []

    assert kinds.by_name("reminder") in kinds.registered()
    assert calls == [1]


@pytest.mark.parametrize("state", ["due", "leased", "handed"])
def test_a_message_of_a_kind_of_a_newer_version_waits_and_keeps_no_other_back(installation, state):
    newer, order_id = invited(shop()), invited(shop(), email="eva@mail.example")
    long_ago = NOON - timedelta(days=1)
    with db.transaction() as session:
        values = {"kind": "newsletter", "state": state, "lease": b"x", "leased_until": long_ago}
        changed = update(messages).where(messages.c.id == message_of(newer).id)
        session.execute(changed.values(values))

    assert [one.to_address for one in sent().messages] == ["eva@mail.example"]
    assert message_of(order_id).state == "sent"
    assert message_of(newer, "newsletter").state == state


def write(address="jan@mail.example"):
    message = enqueue.TransactionalMessage(
        template="my_data_link", language="nl", address=address, facts={"link": "x"}
    )
    with quiet(), db.transaction() as session:
        enqueue.write(session, message, NOON)


def test_a_kind_that_cannot_read_its_rows_keeps_no_other_kind_back(installation):
    write()
    order_id = invited(shop())
    with db.transaction() as session:
        broken = text("UPDATE transactional_messages SET address = :bytes")
        session.execute(broken, {"bytes": b"no key decrypts this"})

    assert len(sent().messages) == 1
    assert message_of(order_id).state == "sent"
    with db.reading() as session:
        waits = select(messages.c.state).where(messages.c.kind == "transactional")
        assert session.scalar(waits) == "due"


def test_a_message_that_cannot_be_composed_keeps_no_other_back_and_ends_at_the_limit(installation):
    write()
    write("eva@mail.example")
    with db.transaction() as session:
        first = select(func.min(transactional_messages.c.id)).scalar_subquery()
        broken = update(transactional_messages).where(transactional_messages.c.id == first)
        session.execute(broken.values(facts="[" * 100_000))  # a RecursionError, which nobody names

    assert [one.to_address for one in sent().messages] == ["eva@mail.example"]
    with db.transaction() as session:
        row = session.execute(select(messages).order_by(messages.c.id)).first()
        assert (row.state, row.reason, row.attempts) == ("due", "not_composed", 1)
        session.execute(update(messages).values(waited_s=retry_policy.LIMIT_S))
    sent(now=NOON + timedelta(hours=80))

    with db.reading() as session:
        row = session.execute(select(messages).order_by(messages.c.id)).first()
        assert (row.state, row.reason) == ("refused", "retry_limit")
        kept = select(func.count()).where(transactional_messages.c.facts.is_not(None))
        assert session.scalar(kept) == 0


@pytest.mark.parametrize(("limit", "urgent"), [(1, 1), (4, 3), (8, 6), (100, 90)])
def test_urgent_messages_go_first_and_leave_a_share_to_the_others(installation, limit, urgent):
    for number in range(90):
        write(f"p{number}@mail.example")
    at_shop = shop()
    for number in range(10):
        place(at_shop, email=f"b{number}@mail.example")
    planned()

    with db.transaction() as session:
        got = [one.message.kind for one in lease.lease(session, NOON, kinds.registered(), limit)]

    assert got[0] == "transactional"
    assert (len(got), got.count("transactional")) == (limit, urgent)
