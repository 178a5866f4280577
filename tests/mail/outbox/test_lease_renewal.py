import threading
from datetime import timedelta

import pytest

from tests.invitations.sample_orders import NOON, Post, invited, message_of, quiet, sent, shop
from tests.waiting import PATIENCE_S
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import hand_over, kinds, lease, lease_renewal, settle
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

SECOND = timedelta(seconds=1)


def leased_by_a_sender_that_died(now=NOON):
    with quiet(), db.transaction() as session:
        return lease.lease(session, now, kinds.registered())


def handed(one):
    with db.transaction() as session:
        assert hand_over.hand_over(session, [one], [], NOON).ids == {one.message.id}


def test_messages_of_a_killed_sender_are_due_again_within_a_minute(installation):
    order_id = invited(shop())
    leased_by_a_sender_that_died()

    assert sent(now=NOON + lease_renewal.MESSAGE_LEASE - SECOND).messages == []
    assert len(sent(now=NOON + 60 * SECOND).messages) == 1
    assert message_of(order_id).state == "sent"


def test_a_message_handed_over_by_a_killed_sender_is_unknown_within_a_minute(installation):
    order_id = invited(shop())
    (one,) = leased_by_a_sender_that_died()
    handed(one)

    assert sent(now=NOON + 60 * SECOND).messages == []
    assert (message_of(order_id).state, message_of(order_id).reason) == ("unknown", "sender_died")


def test_a_sender_that_lives_keeps_its_messages_however_long_the_mail_server_takes(installation):
    order_id = invited(shop())
    (one,) = leased_by_a_sender_that_died()
    moments = [NOON]
    renewed = threading.Event()

    def now():
        renewed.set()
        return moments[0]

    with lease_renewal.renewed(db.transaction, one.lease, now, every_s=0.01):
        for minute in range(1, 10):
            moments[0] = NOON + minute * 60 * SECOND
            for _ in range(2):
                renewed.clear()
                assert renewed.wait(PATIENCE_S)
        assert sent(now=moments[0]).messages == []
    assert message_of(order_id).state == "leased"
    assert message_of(order_id).leased_until == NOON + 9 * 60 * SECOND + lease_renewal.MESSAGE_LEASE


def test_a_lease_that_cannot_be_renewed_does_not_stop_the_sender(installation):
    invited(shop())
    (one,) = leased_by_a_sender_that_died()
    asked = threading.Event()

    def away():
        asked.set()
        raise OSError("the disk is away")

    with lease_renewal.renewed(away, one.lease, lambda: NOON, every_s=0.01):
        assert asked.wait(PATIENCE_S)


def test_an_answer_that_comes_after_the_message_was_called_unknown_still_counts(installation):
    order_id = invited(shop())
    (one,) = leased_by_a_sender_that_died()
    handed(one)
    sent(now=NOON + 60 * SECOND)
    assert message_of(order_id).state == "unknown"

    with db.transaction() as session:
        settle.settle(session, [(one, SendResult(SendStatus.SENT))], NOON)

    assert message_of(order_id).state == "sent"
    assert sent(Post(), now=NOON + 90 * SECOND).messages == []
