import re
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from tests.invitations.sample_orders import NOON, Post, invited, place_many, planned, sent, shop
from trustsvc.invitations.message_kind import INVITATIONS
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import due, lease_renewal
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db
from trustsvc.transactional_mail.message_kind import TRANSACTIONAL

pytestmark = pytest.mark.both_databases

MINUTE = timedelta(minutes=1)


def is_any(now=NOON):
    return due.may_be_any(now)


def changed(**values):
    with db.transaction() as session:
        session.execute(update(messages).values(**values))


def test_nothing_is_due_where_no_message_is_or_all_have_left(installation):
    assert not is_any()
    invited(shop())
    assert is_any()

    sent()

    assert not is_any(NOON + 365 * 24 * 60 * MINUTE)


@pytest.mark.parametrize("kind", [INVITATIONS, TRANSACTIONAL])
def test_a_message_is_due_from_its_moment_whatever_its_priority(installation, kind):
    invited(shop())
    changed(priority=int(kind.priority), due_at=NOON + MINUTE)

    assert not is_any()
    assert is_any(NOON + MINUTE)


@pytest.mark.parametrize("state", ["leased", "handed"])
def test_a_lease_that_ran_out_is_looked_after_and_one_that_holds_is_not(installation, state):
    invited(shop())
    changed(state=state, lease=b"l" * 16, leased_until=NOON + lease_renewal.MESSAGE_LEASE)

    assert not is_any()
    assert is_any(NOON + lease_renewal.MESSAGE_LEASE)
    changed(leased_until=NOON + 3650 * 24 * 60 * MINUTE)  # by a clock that was ahead
    assert is_any()


@pytest.mark.parametrize(
    ("installation", "found"),
    [({}, False), ({"TRUSTSVC_RESEND": "1"}, True)],
    indirect=["installation"],
)
def test_unknown_deliveries_are_looked_after_where_the_operator_wants_it(installation, found):
    invited(shop())
    sent(Post(SendResult(SendStatus.UNKNOWN, "smtp_garbled")))

    assert is_any() is found


def test_a_mail_server_that_failed_is_looked_after(installation):
    invited(shop())
    sent(Post(SendResult(SendStatus.DEFERRED, "no_connection")))
    changed(state="dropped")

    assert is_any()


def explained(statement):
    with db.transaction() as session:
        if not db.is_sqlite():  # of few rows no index is ever used
            session.execute(text("SET LOCAL enable_seqscan = off"))
        prefix = "EXPLAIN QUERY PLAN " if db.is_sqlite() else "EXPLAIN "
        plan = session.execute(text(f"{prefix}{statement}")).all()
    return "\n".join(str(row) for row in plan)


@pytest.mark.parametrize("resends", [False, True])
def test_to_ask_reads_rows_of_indexes_and_takes_no_parameters(installation, resends):
    plan = explained(due._looking(resends))

    assert plan.count("ix_messages_due") == 2
    assert plan.count("ix_messages_leased") == 2
    assert plan.count("ix_messages_unknown") == resends
    assert not re.search(r"(SCAN|Seq Scan on) messages(?! USING)", plan)
    assert due._looking(resends).compile().params == {}


@pytest.mark.parametrize("kind", [INVITATIONS, TRANSACTIONAL])
def test_the_lease_reads_only_what_is_due(installation, kind):
    assert "messages.state = 'due'" in str(due._leasing(kind))  # or no partial index is used
    place_many(shop(), [f"b{one}@mail.example" for one in range(20)])
    planned()
    number = {INVITATIONS: 10, TRANSACTIONAL: 0}[kind]

    with db.transaction() as session:
        taken = due.take(session, kind, b"l" * 16, NOON, 10)
        again = due.take(session, kind, b"m" * 16, NOON, 10)

    assert [one.id for one in taken] == sorted(one.id for one in taken)
    assert (len(taken), len(again)) == (number, number)
    assert {one.id for one in taken}.isdisjoint(one.id for one in again)
