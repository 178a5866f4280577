import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.invitations.sample_orders import (
    NOON,
    decisions_of,
    invitation_of,
    invited,
    message_of,
    quiet,
    sent,
    shop,
)
from tests.waiting import PATIENCE_S
from trustsvc.invitations import redeem
from trustsvc.invitations.planning.reminders import plan_due_reminders
from trustsvc.orders.models import orders
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)


def reminded(now):
    with quiet(), db.transaction() as session:
        return plan_due_reminders(session, now)


def asked(at_shop, **order):
    order_id = invited(at_shop, **order)
    sent()
    return order_id


def test_one_reminder_comes_on_its_day_and_no_second_one(installation):
    order_id = asked(shop(reminder_days=7))

    assert reminded(NOON + 6 * DAY) == 0
    assert reminded(NOON + 7 * DAY) == 1
    assert reminded(NOON + 8 * DAY) == 0

    post = sent(now=NOON + 7 * DAY)
    assert [message.subject for message in post.messages] == [
        "Herinnering: hoe was je bestelling bij Bakfiets & Co?"
    ]
    assert reminded(NOON + 30 * DAY) == 0
    assert sent(now=NOON + 30 * DAY).messages == []
    assert decisions_of(order_id)[-2:] == [
        ("plan_reminder", "reminder_after_7_days", "planned"),
        ("send_reminder", "ok", "sent"),
    ]


def test_a_shop_sends_no_reminder_unless_it_says_so(installation):
    asked(shop())

    assert reminded(NOON + 60 * DAY) == 0


def test_a_german_buyer_of_a_dutch_shop_gets_none_and_the_decision_log_says_why(installation):
    order_id = asked(shop(reminder_days=7, language="nl"), locale="de-DE")

    assert reminded(NOON + 8 * DAY) == 1
    assert reminded(NOON + 8 * DAY) == 0
    assert (message_of(order_id, "reminder").state) == "dropped"
    assert decisions_of(order_id)[-1] == ("plan_reminder", "no_reminder_de", "dropped")


@pytest.mark.parametrize("end", ["review", "stop", "late stop"])
def test_no_reminder_after_a_review_or_a_stop(installation, end):
    order_id = asked(shop(reminder_days=7))
    if end == "late stop":
        reminded(NOON + 7 * DAY)
    with db.transaction() as session:
        if end == "review":
            link = invitation_of(order_id).link
            assert redeem.redeem(session, redeem.find(session, link), NOON + DAY)
        else:
            redeem.withdraw(session, [order_id], "stop", NOON + DAY)

    reminded(NOON + 8 * DAY)

    assert sent(now=NOON + 8 * DAY).messages == []


def test_no_reminder_of_a_message_that_never_left(installation):
    invited(shop(reminder_days=7, delay=14, delay_unit="days"))

    assert reminded(NOON + 13 * DAY) == 0


def test_a_reminder_keeps_to_the_hours_too(installation):
    order_id = asked(shop(reminder_days=1))
    night = (NOON + DAY).replace(hour=22)

    reminded(night)

    assert message_of(order_id, "reminder").due_at == (NOON + 2 * DAY).replace(hour=7)


@pytest.mark.parametrize("end", ["answered", "expired"])
def test_what_needs_no_reminder_is_looked_at_once(installation, end):
    order_id = asked(shop(reminder_days=7))
    if end == "answered":
        with quiet(), db.transaction() as session:
            found = redeem.find(session, invitation_of(order_id).link)
            redeem.redeem(session, found, NOON + DAY)
    now = NOON + (7 if end == "answered" else 400) * DAY

    assert reminded(now) == 1
    assert reminded(now) == 0
    assert message_of(order_id, "reminder") is None


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_of_two_jobs_at_once_one_decides(installation):
    order_id = asked(shop(reminder_days=7))
    decided = threading.Barrier(2)

    def decide(_):
        with quiet(), db.transaction() as session:
            number = plan_due_reminders(session, NOON + 7 * DAY)
            decided.wait(PATIENCE_S)
            return number

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(decide, range(2))) == [0, 1]

    assert [step for step, _, _ in decisions_of(order_id)].count("plan_reminder") == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_an_order_that_somebody_changes_is_left_for_the_next_run(installation):
    order_id = asked(shop(reminder_days=7))
    with Session(db.engine()) as other:
        other.execute(select(orders).where(orders.c.id == order_id).with_for_update())

        assert reminded(NOON + 7 * DAY) == 0

    assert reminded(NOON + 7 * DAY) == 1
