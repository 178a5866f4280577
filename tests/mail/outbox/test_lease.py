from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.invitations.sample_orders import (
    NOON,
    decisions_of,
    invitation_of,
    invited,
    message_of,
    order_row,
    place,
    sent,
    shop,
)
from trustsvc.invitations import message_kind
from trustsvc.invitations.models import invitations
from trustsvc.mail.outbox import kinds, lease
from trustsvc.mail.outbox.models import messages
from trustsvc.orders import buyer
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.registry.opt_out import opt_out
from trustsvc.registry.registration import leave, register
from trustsvc.shops.models import shops
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

pytestmark = pytest.mark.both_databases

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_a_message_that_is_not_due_stays(installation):
    order_id = invited(shop(delay=60))

    assert sent().messages == []
    assert message_of(order_id).state == "due"


def test_a_message_out_of_hours_waits_for_the_morning(installation):
    order_id = invited(shop())
    night = NOON.replace(hour=18)  # 20:00 in Amsterdam

    assert sent(now=night).messages == []
    assert message_of(order_id).due_at == (NOON + DAY).replace(hour=7)


REASONS = {
    "opted_out": lambda session, shop_id, _: opt_out(
        session, "jan@mail.example", shop_id, "stop", NOON
    ),
    "opted_out everywhere": lambda session, *_: opt_out(
        session, "jan@mail.example", EVERY_SHOP, "objection", NOON
    ),
    "shop_closed": lambda session, *_: session.execute(update(shops).values(closed_at=NOON)),
    "no_basis_registered": lambda session, *_: leave(session, "jan@mail.example"),
    "no_contact": lambda session, _, order_id: buyer.erase(session, [order_id]),
    "invitation_redeemed": lambda session, *_: session.execute(
        update(invitations).values(state="redeemed")
    ),
    "expired": lambda session, *_: session.execute(update(invitations).values(expires_at=NOON)),
}


@pytest.mark.parametrize("reason", REASONS)
def test_what_happens_between_plan_and_send_stops_the_message(installation, reason):
    at_shop = shop("registered")
    with db.transaction() as session:
        register(session, "jan@mail.example", "v1", "page", NOON)
    order_id = invited(at_shop)
    with db.transaction() as session:
        REASONS[reason](session, at_shop.id, order_id)

    post = sent()

    assert post.messages == []
    email_message = message_of(order_id)
    assert (email_message.state, email_message.reason) == ("dropped", reason.partition(" ")[0])
    assert ("send", reason.partition(" ")[0], "dropped") in decisions_of(order_id)
    assert order_row(order_id).email is None


def test_an_order_cancelled_but_not_yet_looked_at_stops_the_message(installation):
    at_shop = shop()
    order_id = invited(at_shop, identity="1")
    place(at_shop, identity="1", platform_status=PlatformStatus.CANCELLED)

    assert sent().messages == []
    assert invitation_of(order_id).reason == "cancelled"


def test_a_sender_that_vanished_loses_its_lease_within_a_minute(installation):
    invited(shop())
    with db.transaction() as session:
        assert len(lease.lease(session, NOON, kinds.registered())) == 1

    assert sent(now=NOON + MINUTE / 2).messages == []
    assert len(sent(now=NOON + MINUTE).messages) == 1


def test_the_lease_is_taken_before_opt_outs_are_read_so_that_none_comes_in_between(
    installation, monkeypatch
):
    order_id = invited(shop())
    ask = message_kind.check.statuses

    def watched(session, questions):
        states.extend(session.scalars(select(messages.c.state)).all())
        return ask(session, questions)

    states = []
    monkeypatch.setattr(message_kind.check, "statuses", watched)
    sent()

    assert set(states) == {"leased"}
    assert message_of(order_id).state == "sent"
