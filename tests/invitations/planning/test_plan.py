"""Tests:
trustsvc/invitations/planning/frequency_cap.py
trustsvc/invitations/planning/reschedule.py
"""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    decisions_of,
    invitation_of,
    invited,
    message_of,
    order_row,
    place,
    planned,
    quiet,
    sent,
    sent_invitations,
    shop,
)
from trustsvc.invitations.models import invitations
from trustsvc.invitations.planning import plan
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import orders
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.registry.models import registered_buyers
from trustsvc.registry.opt_out import opt_out
from trustsvc.registry.registration import register
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)


def test_an_order_of_a_registered_buyer_becomes_an_invitation(installation):
    at_shop = shop("registered", delay=7, delay_unit="days")
    with db.transaction() as session:
        register(session, "jan@mail.example", "v1", "page", NOON)
    order_id = place(at_shop, shipped_at=NOON - DAY)

    assert planned() == 1

    invitation, email_message = invitation_of(order_id), message_of(order_id)
    assert (invitation.state, invitation.language, invitation.zone) == (
        "open",
        "nl",
        "Europe/Amsterdam",
    )
    assert invitation.basis == "registered 2026-06-10"
    assert len(invitation.link) == 16
    assert invitation.experienced_at == NOON - DAY
    assert (email_message.state, email_message.due_at) == ("due", NOON + 6 * DAY)
    assert invitation.expires_at == email_message.due_at + 90 * DAY
    assert order_row(order_id).state == "settled"
    assert decisions_of(order_id)[-3:] == [
        ("check", "registry", "registered"),
        ("may_ask", "may_ask_registered", "ask"),
        ("plan", "7_days_after_shipped", "planned"),
    ]


def test_of_a_buyer_who_is_not_registered_nothing_is_kept(installation):
    order_id = place(shop("registered"))

    planned()

    row = order_row(order_id)
    assert (row.state, row.email, row.name, row.reference, row.buyer_pseudonym) == (
        "settled",
        None,
        None,
        None,
        None,
    )
    assert invitation_of(order_id) is None
    assert decisions_of(order_id)[-1] == ("may_ask", "no_basis_registered", "refuse")
    with db.reading() as session:
        assert session.execute(select(registered_buyers)).all() == []


@pytest.mark.parametrize(
    ("consent", "outcome"), [(True, "ask"), (False, "refuse"), (None, "refuse")]
)
def test_a_shop_that_asks_by_consent_asks_only_with_it(installation, consent, outcome):
    order_id = place(shop("consent"), consent=consent)

    planned()

    assert (invitation_of(order_id) is not None) == (outcome == "ask")


def test_a_buyer_who_opted_out_is_not_asked(installation):
    at_shop = shop()
    with db.transaction() as session:
        opt_out(session, "Jan@Mail.example", at_shop.id, "stop", NOON)

    order_id = invited(at_shop)

    assert invitation_of(order_id) is None
    assert ("may_ask", "opted_out", "refuse") in decisions_of(order_id)


def test_an_unpaid_order_waits_with_its_buyer_until_it_is_paid(installation):
    at_shop = shop()
    order_id = place(at_shop, paid=False, identity="1")
    planned()
    assert (order_row(order_id).state, order_row(order_id).email) == ("waiting", "jan@mail.example")
    assert planned() == 0

    place(at_shop, identity="1", paid_at=NOON)
    planned()

    assert message_of(order_id).state == "due"


def test_a_buyer_is_asked_once_in_the_cap_period_whichever_order_it_is(installation):
    at_shop = shop()
    first = place(at_shop)
    second = place(at_shop, email="JAN@mail.example")
    planned()
    third = invited(at_shop)
    sent()
    fourth = invited(at_shop, NOON + 29 * DAY)
    fifth = invited(at_shop, NOON + 31 * DAY)

    asked = [order for order in (first, second, third, fourth, fifth) if invitation_of(order)]
    assert asked == [first, fifth]
    assert ("may_ask", "asked_before", "refuse") in decisions_of(fourth)


def test_an_invitation_that_was_withdrawn_before_it_left_does_not_count(installation):
    at_shop = shop(delay=7, delay_unit="days")
    first = invited(at_shop, identity="1")
    place(at_shop, identity="1", platform_status=PlatformStatus.CANCELLED)
    planned()

    second = invited(at_shop)

    assert invitation_of(first).state == "withdrawn"
    assert invitation_of(second).state == "open"


def test_another_shop_may_ask_the_same_buyer(installation):
    one, other = invited(shop()), invited(shop())

    assert invitation_of(one)
    assert invitation_of(other)


def test_an_order_cancelled_after_it_was_planned_withdraws_its_invitation(installation):
    at_shop = shop(delay=7, delay_unit="days")
    order_id = invited(at_shop, identity="1")

    place(at_shop, identity="1", platform_status=PlatformStatus.CANCELLED)
    planned()

    assert (invitation_of(order_id).state, invitation_of(order_id).reason) == (
        "withdrawn",
        "cancelled",
    )
    assert (message_of(order_id).state, message_of(order_id).reason) == ("dropped", "cancelled")
    assert order_row(order_id).email is None


def test_consent_that_is_taken_back_withdraws_the_invitation(installation):
    at_shop = shop("consent", delay=7, delay_unit="days")
    order_id = invited(at_shop, identity="1", consent=True)

    place(at_shop, identity="1", consent=False)
    planned()

    assert (invitation_of(order_id).state, invitation_of(order_id).reason) == (
        "withdrawn",
        "said_no",
    )
    assert order_row(order_id).email is None


def test_an_order_that_ships_after_it_was_paid_moves_its_message(installation):
    at_shop = shop(delay=7, delay_unit="days")
    order_id = invited(at_shop, identity="1", paid_at=NOON)
    assert message_of(order_id).due_at == NOON + 7 * DAY

    shipped = NOON + 3 * DAY
    place(at_shop, identity="1", now=shipped, shipped_at=shipped)
    planned(shipped)

    invitation = invitation_of(order_id)
    assert message_of(order_id).due_at == NOON + 10 * DAY
    assert (invitation.experienced_at, invitation.expires_at) == (shipped, NOON + 100 * DAY)
    assert decisions_of(order_id)[-1] == ("plan", "7_days_after_shipped", "moved")


def test_news_after_the_message_left_moves_nothing_and_asks_nobody_twice(installation):
    at_shop = shop()
    order_id = invited(at_shop, identity="1")
    sent()
    before = message_of(order_id)

    place(at_shop, identity="1", shipped_at=NOON + DAY, now=NOON + DAY)
    planned(NOON + DAY)

    assert message_of(order_id) == before


def test_planning_twice_plans_once(installation):
    order_id = invited(shop())

    assert planned() == 0
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(messages)) == 1
    assert invitation_of(order_id).state == "open"


def test_what_fails_in_the_middle_leaves_the_order_as_it_was(installation):
    order_id = place(shop())

    def fails():
        with quiet(), db.transaction() as session:
            plan.plan_invitations(session, NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()

    assert order_row(order_id).state == "received"
    assert invitation_of(order_id) is None


def test_planners_at_once_ask_each_buyer_once(installation):
    at_shop = shop()
    for number in range(20):
        place(at_shop, email=f"b{number % 5}@mail.example")
    problems = []

    def run():
        try:
            with quiet():
                while True:
                    with db.transaction() as session:
                        if not plan.plan_invitations(session, NOON, most=3):
                            return
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(invitations)) == 5
        waits = select(func.count()).select_from(orders).where(orders.c.state == "received")
        assert session.scalar(waits) == 0


def test_the_sender_is_enqueued_only_when_a_message_may_leave_now(installation):
    soon, later = shop(), shop(delay=7, delay_unit="days")
    enqueued = []

    for at_shop in (later, soon):
        place(at_shop)
        with job_queue.capture(enqueued.append), db.transaction() as session:
            plan.plan_invitations(session, NOON)
        enqueued.append("next")

    assert enqueued == ["next", "send_messages", "next"]


def test_a_closed_shop_asks_nobody(installation):
    at_shop = shop()
    order_id = place(at_shop)
    with db.transaction() as session:
        from trustsvc.shops.models import shops

        session.execute(update(shops).values(closed_at=NOON))

    planned()

    assert ("may_ask", "shop_closed", "refuse") in decisions_of(order_id)


def test_a_buyer_who_was_forgotten_before_the_check_is_not_asked(installation):
    from trustsvc.orders import buyer

    order_id = place(shop())
    with db.transaction() as session:
        buyer.erase(session, [order_id])

    planned()

    assert order_row(order_id).state == "settled"
    assert decisions_of(order_id)[-1] == ("may_ask", "no_contact", "refuse")


def test_an_order_that_must_wait_suspends_its_invitation_and_news_brings_it_back(installation):
    at_shop = shop(delay=7, delay_unit="days")
    order_id = invited(at_shop, identity="1", fulfilled=True, shipped_at=NOON)

    place(at_shop, NOON + DAY, identity="1", platform_status=PlatformStatus.ON_HOLD)
    planned(NOON + DAY)

    invitation = invitation_of(order_id)
    assert (invitation.state, invitation.reason) == ("suspended", "on_hold")
    assert (message_of(order_id).state, message_of(order_id).reason) == ("dropped", "suspended")
    assert (order_row(order_id).state, order_row(order_id).email) == (
        "waiting",
        "jan@mail.example",
    )
    assert sent_invitations(now=NOON + 9 * DAY).messages == []

    back = NOON + 10 * DAY
    place(at_shop, back, identity="1", platform_status=PlatformStatus.OPEN, shipped_at=back)
    planned(back)

    assert (invitation_of(order_id).state, invitation_of(order_id).reason) == ("open", None)
    assert (message_of(order_id).state, message_of(order_id).due_at) == ("due", back + 7 * DAY)


def test_a_cancelled_order_that_comes_back_is_asked_about(installation):
    at_shop = shop(delay=7, delay_unit="days")
    order_id = invited(at_shop, identity="1")
    place(at_shop, NOON + DAY, identity="1", platform_status=PlatformStatus.CANCELLED)
    planned(NOON + DAY)
    assert (invitation_of(order_id).state, order_row(order_id).email) == ("withdrawn", None)

    place(at_shop, NOON + 2 * DAY, identity="1", platform_status=PlatformStatus.OPEN, paid=True)
    planned(NOON + 2 * DAY)

    assert invitation_of(order_id).state == "open"
    assert len(sent_invitations(now=NOON + 9 * DAY).messages) == 1


def test_late_news_takes_no_invitation_back_that_a_buyer_holds(installation):
    at_shop = shop()
    order_id = invited(at_shop, identity="1")
    sent_invitations()

    late = NOON + 61 * DAY
    place(at_shop, late, identity="1", paid=False)
    planned(late)

    assert ("may_ask", "unpaid", "wait") in decisions_of(order_id)
    assert invitation_of(order_id).state == "open"


def test_a_full_refund_ends_an_invitation_that_was_sent(installation):
    at_shop = shop()
    order_id = invited(at_shop, identity="1")
    sent_invitations()

    place(at_shop, NOON + DAY, identity="1", platform_status=PlatformStatus.REFUNDED)
    planned(NOON + DAY)

    assert (invitation_of(order_id).state, invitation_of(order_id).reason) == (
        "withdrawn",
        "refunded",
    )


def test_an_order_that_is_never_sent_is_decided_on_without_news(installation):
    at_shop = shop()
    order_id = invited(at_shop, paid=True, paid_at=NOON, fulfilled=False)
    assert order_row(order_id).decide_at == NOON + 30 * DAY
    assert planned(NOON + 29 * DAY) == 0

    assert planned(NOON + 30 * DAY) == 1

    assert ("may_ask", "never_fulfilled", "refuse") in decisions_of(order_id)
    assert (order_row(order_id).email, order_row(order_id).decide_at) == (None, None)


def test_an_order_waits_for_another_invitation_and_is_asked_about_when_that_is_withdrawn(
    installation,
):
    at_shop = shop(delay=7, delay_unit="days")
    invited(at_shop, identity="1")
    second = invited(at_shop, NOON + DAY)
    assert (order_row(second).state, order_row(second).email) == ("waiting", "jan@mail.example")
    assert order_row(second).decide_at == NOON + 8 * DAY
    assert decisions_of(second)[-1] == ("may_ask", "another_planned", "wait")

    place(at_shop, NOON + 2 * DAY, identity="1", platform_status=PlatformStatus.CANCELLED)
    planned(NOON + 2 * DAY)
    planned(NOON + 8 * DAY)

    assert invitation_of(second).state == "open"
    assert len(sent_invitations(now=NOON + 8 * DAY).messages) == 1


def test_an_order_that_waited_for_another_invitation_is_refused_once_that_was_sent(installation):
    at_shop = shop(delay=7, delay_unit="days")
    invited(at_shop)
    second = invited(at_shop, NOON + DAY)
    sent_invitations(now=NOON + 7 * DAY)

    planned(NOON + 8 * DAY)

    assert decisions_of(second)[-1] == ("may_ask", "asked_before", "refuse")
    row = order_row(second)
    assert (row.state, row.email, row.decide_at) == ("settled", None, None)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_order_whose_other_invitation_never_leaves_is_too_old_one_day(installation):
    at_shop = shop()
    invited(at_shop)
    second = invited(at_shop)

    decided = [day for day in range(70) if planned(NOON + day * DAY)]

    assert decided == list(range(1, 62))
    assert decisions_of(second)[-1] == ("may_ask", "too_old", "refuse")
    assert order_row(second).email is None


def test_of_two_orders_with_news_the_one_that_stays_is_asked_about_at_once(installation):
    at_shop = shop(delay=7, delay_unit="days")
    waits = place(at_shop, identity="1", paid=False)
    planned()
    first = invited(at_shop, identity="2")

    place(at_shop, NOON + DAY, identity="2", platform_status=PlatformStatus.CANCELLED)
    place(at_shop, NOON + DAY, identity="1", paid=True)
    planned(NOON + DAY)

    assert (invitation_of(first).state, invitation_of(waits).state) == ("withdrawn", "open")


def test_without_a_cap_two_orders_of_a_buyer_are_both_asked_about(installation):
    at_shop = shop(cap_days=0)

    assert all(invitation_of(one) for one in (invited(at_shop), invited(at_shop)))


def deferred(*, before_end_of_data):
    reason = "before_end_of_data" if before_end_of_data else "smtp_451"
    return Post(SendResult(SendStatus.DEFERRED, reason))


@pytest.mark.parametrize("before_end_of_data", [True, False])
@pytest.mark.parametrize("platform_status", [PlatformStatus.ON_HOLD, PlatformStatus.CANCELLED])
def test_a_message_that_was_tried_goes_out_at_the_newest_date_of_its_order(
    installation, platform_status, before_end_of_data
):
    at_shop = shop(delay=7, delay_unit="days")
    order_id = invited(at_shop, identity="1", fulfilled=True, shipped_at=NOON)
    first_try = NOON + 7 * DAY
    sent_invitations(deferred(before_end_of_data=before_end_of_data), first_try)
    assert (message_of(order_id).state, message_of(order_id).attempts) == ("due", 1)
    place(at_shop, first_try, identity="1", platform_status=platform_status)
    planned(first_try)

    back = NOON + 20 * DAY
    place(
        at_shop,
        back,
        identity="1",
        platform_status=PlatformStatus.OPEN,
        fulfilled=True,
        shipped_at=back,
    )
    planned(back)

    assert (message_of(order_id).state, message_of(order_id).due_at) == ("due", back + 7 * DAY)
    invitation = invitation_of(order_id)
    assert (invitation.experienced_at, invitation.expires_at) == (back, back + 97 * DAY)
    assert sent_invitations(now=back + DAY).messages == []
    assert len(sent_invitations(now=back + 7 * DAY).messages) == 1


def test_news_brings_no_message_before_its_next_attempt(installation):
    at_shop = shop()
    order_id = invited(at_shop, identity="1")
    sent_invitations(deferred(before_end_of_data=True))
    next_attempt = message_of(order_id).due_at
    assert next_attempt > NOON

    place(at_shop, identity="1", paid=True)
    planned()

    assert message_of(order_id).due_at == next_attempt


@pytest.mark.parametrize("state", ["handed", "unknown", "sent"])
@pytest.mark.parametrize("platform_status", [PlatformStatus.ON_HOLD, PlatformStatus.CANCELLED])
def test_what_may_have_left_leaves_no_second_time(installation, state, platform_status):
    at_shop = shop()
    order_id = invited(at_shop, identity="1")
    with db.transaction() as session:
        leased_until = NOON + 9 * DAY if state == "handed" else None
        session.execute(
            update(messages).values(
                state=state, attempts=1, sent_at=NOON, leased_until=leased_until
            )
        )
    for hours, stands in enumerate((platform_status, PlatformStatus.OPEN), 1):
        now = NOON + timedelta(hours=hours)
        place(at_shop, now, identity="1", platform_status=stands, shipped_at=now)
        planned(now)

    assert message_of(order_id).state == state
    assert sent_invitations(now=NOON + DAY).messages == []


def test_who_was_asked_about_an_order_that_was_cancelled_is_not_stored_again(installation):
    at_shop = shop()
    order_id = invited(at_shop, identity="1")
    sent_invitations()
    place(at_shop, NOON + DAY, identity="1", platform_status=PlatformStatus.CANCELLED)
    planned(NOON + DAY)

    for day, platform_status in ((2, PlatformStatus.OPEN), (3, PlatformStatus.ON_HOLD)):
        place(at_shop, NOON + day * DAY, identity="1", platform_status=platform_status)
        assert order_row(order_id).email is None
        planned(NOON + day * DAY)

    assert (order_row(order_id).email, order_row(order_id).state) == (None, "settled")
    assert order_row(order_id).buyer_pseudonym is not None  # the keyed hash, for the frequency cap
