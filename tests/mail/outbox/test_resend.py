"""A message nobody knows the end of goes once more, if the operator wants it so."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    decisions_of,
    invitation_of,
    invited,
    message_of,
    place,
    planned,
    quiet,
    sent,
    shop,
)
from trustsvc.invitations import redeem, restore_hold
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import kinds, resend
from trustsvc.mail.outbox.models import messages
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
THEN = NOON + resend.ANSWER_TIMEOUT
UNKNOWN = SendResult(SendStatus.UNKNOWN, "no_answer")

with_resend = pytest.mark.parametrize("installation", [{"TRUSTSVC_RESEND": "1"}], indirect=True)


def test_by_default_nothing_is_sent_again(installation):
    order_id = invited(shop())
    sent(Post(UNKNOWN))

    assert sent(now=THEN).messages == []
    assert message_of(order_id).state == "unknown"


@with_resend
def test_an_unknown_delivery_goes_once_more_with_its_own_name(installation):
    order_id = invited(shop())
    first = sent(Post(UNKNOWN))

    assert sent(now=THEN - MINUTE).messages == []
    second = sent(now=THEN)

    assert len(second.messages) == 1
    assert second.messages[0].message_id == first.messages[0].message_id
    assert (message_of(order_id).state, message_of(order_id).resent) == ("sent", 1)
    assert ("send", "resend", "planned") in decisions_of(order_id)


@with_resend
def test_it_goes_no_third_time(installation):
    order_id = invited(shop())
    for at in (NOON, THEN, THEN + resend.ANSWER_TIMEOUT, THEN + DAY):
        sent(Post(UNKNOWN), now=at)

    assert (message_of(order_id).state, message_of(order_id).attempts) == ("unknown", 2)


@with_resend
def test_who_opted_out_meanwhile_gets_no_second_message(installation):
    at_shop = shop()
    objects, stops = invited(at_shop), invited(at_shop, email="piet@mail.example")
    sent(Post(UNKNOWN, UNKNOWN))
    with db.transaction() as session:
        opt_out(session, "jan@mail.example", at_shop.id, "objection", NOON)
        redeem.withdraw(session, [stops], "stop", NOON)

    assert sent(now=THEN).messages == []
    assert (message_of(objects).state, message_of(objects).reason) == ("dropped", "opted_out")
    assert message_of(objects).sent_at == NOON  # it may have arrived then: retention goes by it
    assert message_of(stops).state == "unknown"


@with_resend
def test_a_delivery_unknown_for_long_is_not_sent_when_the_setting_is_changed(installation):
    order_id = invited(shop())
    sent(Post(UNKNOWN))

    assert sent(now=NOON + resend.MAX_AGE + MINUTE).messages == []
    assert message_of(order_id).state == "unknown"


@with_resend
def test_what_a_restore_set_aside_follows_the_setting_too(installation):
    order_id = invited(shop())
    with db.transaction() as session, quiet():
        assert restore_hold.hold(session, NOON) == 1

    assert sent().messages == []
    assert len(sent(now=THEN).messages) == 1
    assert message_of(order_id).state == "sent"


@with_resend
def test_an_answer_that_came_late_leaves_nothing_unknown(installation):
    order_id = invited(shop())
    sent(Post(UNKNOWN))
    with db.transaction() as session:
        session.execute(update(messages).values(state="sent"))

    assert sent(now=THEN).messages == []
    assert message_of(order_id).attempts == 1


@with_resend
def test_the_second_message_is_not_asking_again(installation):
    """The cap counts from the first: an order of the same buyer is refused meanwhile and after."""
    at_shop = shop()
    invited(at_shop)
    sent(Post(UNKNOWN))
    with db.transaction() as session:
        assert resend.resend_unknown(session, THEN, kinds.registered()) == 1

    other = place(at_shop, THEN)
    planned(THEN)

    assert invitation_of(other) is None
    with db.reading() as session:
        assert session.scalars(select(messages.c.state)).all() == ["due"]
