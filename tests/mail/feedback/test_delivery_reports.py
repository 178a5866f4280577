"""What a report about a message does, by the real use cases, on both databases.

Tests trustsvc/invitations/delivery_feedback.py too.
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
    message_values,
    order_row,
    place,
    planned,
    quiet,
    sent,
    shop,
)
from tests.mail.feedback.parsers.corpus import BY_NAME, CODE
from trustsvc.crypto import keyring, signed_links
from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations
from trustsvc.invitations.planning import reminders
from trustsvc.mail.feedback import delivery_reports
from trustsvc.mail.feedback.models import mail_reports
from trustsvc.mail.feedback.parsers import returned_message
from trustsvc.mail.feedback.parsers.report import Report
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import return_path, send_suspension
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import orders
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db, suppression_journal

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

DAY = timedelta(days=1)


def code_of(order_id, kind="invitation"):
    return return_path.code(message_of(order_id, kind).token)


def reported(
    order_id, kind, status="5.1.1", now=NOON + DAY, source="mail", message_kind="invitation"
):
    with quiet(), db.transaction() as session:
        report = Report(kind, status, (code_of(order_id, message_kind),))
        return delivery_reports.accept(session, report, source, now)


def reports():
    with db.reading() as session:
        rows = session.execute(select(mail_reports).order_by(mail_reports.c.at))
        return [(row.kind, row.code, row.source) for row in rows]


def suppressed():
    with db.reading() as session:
        rows = session.execute(select(opt_outs.c.shop_id, opt_outs.c.reason))
        return sorted((row.shop_id, row.reason) for row in rows)


@pytest.fixture
def lamp(installation):
    return shop()


@pytest.fixture
def asked(lamp):
    """An order whose invitation was sent."""
    order_id = invited(lamp)
    sent()
    return order_id


def test_a_hard_bounce_forgets_the_address_withdraws_and_is_never_asked_again(lamp, asked):
    assert reported(asked, "hard") == "taken"

    assert (order_row(asked).email, order_row(asked).name) == (None, None)
    assert (invitation_of(asked).state, invitation_of(asked).reason) == (
        "withdrawn",
        "undeliverable",
    )
    assert (message_of(asked).state, message_of(asked).reason) == ("refused", "bounced")
    assert suppressed() == [(lamp.id, "undeliverable")]
    assert suppression_journal.read().lines[0].reason == "undeliverable"
    assert ("report_invitation", "5.1.1", "hard") in decisions_of(asked)

    again = place(lamp, NOON + 60 * DAY, created_at=NOON + 60 * DAY)
    planned(NOON + 60 * DAY)
    assert ("may_ask", "opted_out", "refuse") in decisions_of(again)


def test_a_hard_bounce_is_about_one_shop(lamp, asked):
    reported(asked, "hard")
    other = invited(shop(name="Other"))

    assert len(sent().messages) == 1
    assert message_of(other).state == "sent"


def test_a_hard_bounce_of_a_reminder_leaves_the_invitation_that_arrived(installation):
    order_id = invited(shop(reminder_days=3))
    sent()
    later = NOON + 4 * DAY
    with quiet(), db.transaction() as session:
        reminders.plan_due_reminders(session, later)
    sent(now=later)

    assert reported(order_id, "hard", now=later + DAY, message_kind="reminder") == "taken"

    assert order_row(order_id).email is None
    assert invitation_of(order_id).state == "open"
    assert (message_of(order_id).state, message_of(order_id, "reminder").state) == (
        "sent",
        "refused",
    )


def test_who_wrote_a_review_is_there_whatever_a_late_bounce_says(lamp, asked):
    with quiet(), db.transaction() as session:
        redeem.redeem(session, redeem.find(session, invitation_of(asked).link), NOON)

    reported(asked, "hard")

    assert suppressed() == []
    assert ("report_invitation", "5.1.1", "soft") in decisions_of(asked)


def test_a_message_that_a_server_takes_in_and_sends_back_later_counts_as_bounced(lamp, asked):
    reported(asked, "delivered", "2.0.0")
    reported(asked, "hard")

    assert suppressed() == [(lamp.id, "undeliverable")]
    assert message_of(asked).state == "refused"


def test_a_complaint_stops_this_shop_and_all_and_drops_what_waits(lamp, asked):
    waits = place(lamp, created_at=NOON)

    assert reported(asked, "complaint", "abuse") == "taken"

    planned(NOON + DAY)
    assert suppressed() == [(0, "complaint"), (lamp.id, "complaint")]
    assert (invitation_of(asked).state, invitation_of(asked).reason) == ("withdrawn", "complaint")
    assert order_row(asked).email is None
    assert order_row(waits).email is None
    elsewhere = place(shop(name="Other"))
    planned(NOON + DAY)
    assert ("may_ask", "opted_out", "refuse") in decisions_of(elsewhere)


def test_a_complaint_drops_the_reminder(installation):
    order_id = invited(shop(reminder_days=3))
    sent()
    with quiet(), db.transaction() as session:
        reminders.plan_due_reminders(session, NOON + 4 * DAY)
    assert message_of(order_id, "reminder").state == "due"

    reported(order_id, "complaint", "abuse", now=NOON + 4 * DAY)

    assert message_of(order_id, "reminder").state == "dropped"
    assert sent(now=NOON + 5 * DAY).messages == []


def test_a_complaint_still_stops_the_shop_when_the_address_is_forgotten(lamp, asked):
    from trustsvc.orders import buyer

    with db.transaction() as session:
        buyer.erase(session, [asked])

    reported(asked, "complaint", "abuse")

    assert suppressed() == [(lamp.id, "complaint")]


@pytest.mark.parametrize(("kind", "status"), [("soft", "5.2.2"), ("delayed", "4.4.1")])
def test_a_soft_bounce_is_noted_and_changes_nothing(lamp, asked, kind, status):
    reported(asked, kind, status)

    assert reports() == [(kind, status, "mail")]
    assert (message_of(asked).state, suppressed()) == ("sent", [])
    assert order_row(asked).email
    assert ("report_invitation", status, kind) in decisions_of(asked)


def soft_messages(lamp, days):
    """Send a message on each of these days to one buyer, and have each come back soft."""
    for day in days:
        now = NOON + day * DAY
        order_id = invited(lamp, now, created_at=now)
        sent(now=now)
        reported(order_id, "soft", "5.2.2", now=now + timedelta(hours=1))
    return order_id


def test_three_messages_in_a_row_that_came_back_over_two_weeks_are_hard(installation):
    lamp = shop(cap_days=0)

    last = soft_messages(lamp, [0, 7])
    assert suppressed() == []
    last = soft_messages(lamp, [14])

    assert suppressed() == [(lamp.id, "undeliverable")]
    assert ("report_invitation", "5.2.2", "hard") in decisions_of(last)


def test_three_within_a_holiday_are_not(installation):
    soft_messages(shop(cap_days=0), [0, 5, 12])

    assert suppressed() == []


def test_one_that_arrived_in_between_begins_again(installation):
    lamp = shop(cap_days=0)
    soft_messages(lamp, [0, 7])
    invited(lamp, NOON + 14 * DAY, created_at=NOON + 14 * DAY)
    sent(now=NOON + 14 * DAY)
    soft_messages(lamp, [21])

    assert suppressed() == []


@pytest.mark.parametrize(
    ("kind", "state"), [("delivered", "sent"), ("soft", "unknown"), ("hard", "refused")]
)
def test_what_nobody_could_know_is_known_by_a_report(lamp, kind, state):
    order_id = invited(lamp)
    sent(Post(SendResult(SendStatus.UNKNOWN, "no_answer")))
    assert message_of(order_id).state == "unknown"

    reported(order_id, kind)

    assert message_of(order_id).state == state


def test_a_bounce_that_is_faster_than_the_sender_is_not_overwritten(lamp):
    order_id = invited(lamp)

    class Quick(Post):
        def send(self, email_message, before_end_of_data):
            outcome = super().send(email_message, before_end_of_data)
            reported(order_id, "hard")
            return outcome

    sent(Quick())

    assert message_of(order_id).state == "refused"
    assert suppressed() == [(lamp.id, "undeliverable")]


def test_the_same_event_a_hundred_times_in_parallel_counts_once(lamp, asked):
    answers = []

    def tell():
        answers.extend(reported(asked, "complaint", "abuse") for _ in range(10))

    threads = [threading.Thread(target=tell) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["duplicate"] * 99 + ["taken"]
    assert reports() == [("complaint", "abuse", "mail")]
    assert [line for line in decisions_of(asked) if line[0] == "report_invitation"] == [
        ("report_invitation", "abuse", "complaint")
    ]


def test_all_that_can_come_at_once_about_one_buyer_comes_through(lamp):
    """Bounces, complaints and opt-outs of one buyer's orders, in either order: no deadlock."""
    from trustsvc.invitations import unsubscribe

    for turn in range(5):
        email = f"buyer{turn}@mail.example"
        ids = [place(lamp, email=email) for _ in range(2)]
        for order_id in ids:
            asked_about(order_id)
        wrong = []

        def stopped(order_id):
            with quiet(), db.transaction() as session:
                found = redeem.find(session, invitation_of(order_id).link)
                unsubscribe.unsubscribe(session, found, NOON + DAY, everywhere=True)

        def run(action, *args, wrong=wrong):
            try:
                action(*args)
            except Exception as problem:  # noqa: BLE001 - whatever it is
                wrong.append(problem)

        calls = [
            *(
                (reported, order_id, kind)
                for order_id in ids
                for kind in ("hard", "complaint", "soft")
            ),
            *((stopped, order_id) for order_id in ids),
        ]
        threads = [threading.Thread(target=run, args=call) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def asked_about(order_id):
    """Write an invitation that was sent, past the rule that asks a buyer once."""
    with db.transaction() as session:
        shop_id = session.scalar(select(orders.c.shop_id).where(orders.c.id == order_id))
        made = session.execute(
            invitations.insert().values(
                shop_id=shop_id,
                order_id=order_id,
                link=b"link of %d" % order_id,
                state="open",
                basis="customers 2026-06-10",
                language="nl",
                zone="Europe/Amsterdam",
                experienced_at=NOON,
                unanswered=1,
                created_at=NOON,
                expires_at=NOON + 90 * DAY,
            )
        )
        session.execute(messages.insert().values(message_values(made.inserted_primary_key[0])))


def test_who_knows_one_code_cannot_fill_the_table(lamp, asked):
    answers = {reported(asked, "soft", f"5.{number}.0") for number in range(20)}

    assert answers == {"taken", "duplicate"}
    assert len(reports()) == 1


@pytest.mark.parametrize(
    "forged",
    ["", "a" * 26, "7" * 26, "a" * 27, "!" * 26, CODE],
)
def test_a_report_that_names_no_message_of_ours_changes_nothing(lamp, asked, forged):
    with db.transaction() as session:
        answer = delivery_reports.accept(session, Report("hard", "5.1.1", (forged,)), "mail", NOON)

    assert (answer, reports(), suppressed()) == ("unknown_letter", [], [])
    assert order_row(asked).email


def test_a_code_with_one_sign_changed_names_nothing(lamp, asked):
    good = code_of(asked)
    bad = [
        good[:place] + ("a" if good[place] != "a" else "b") + good[place + 1 :]
        for place in range(26)
    ]

    with db.reading() as session:
        assert return_path.find(session, [good]).id == message_of(asked).id
        assert [return_path.find(session, [one]) for one in bad] == [None] * 26


def test_a_code_of_another_installation_names_nothing_here(lamp, asked):
    other = return_path.code(signed_links.new_id())

    with db.reading() as session:
        assert return_path.find(session, [other]) is None


def test_a_code_stays_good_and_the_same_over_a_rotation(lamp, asked):
    good = code_of(asked)
    keyring.rotate("lookup")

    assert good == code_of(asked)
    with db.reading() as session:
        assert return_path.find(session, [good.upper()]).id == message_of(asked).id


def test_a_message_that_got_the_number_of_one_that_a_restore_forgot_is_not_meant(lamp, asked):
    forgotten = code_of(asked)
    with db.transaction() as session:
        session.execute(update(messages).values(token=signed_links.new_id()))

    with db.reading() as session:
        assert return_path.find(session, [forgotten]) is None


@pytest.mark.parametrize(
    "installation", [{"TRUSTSVC_MAIL_RETURN": "bounces@shop.example"}], indirect=True
)
def test_a_message_and_its_bounce_find_each_other(lamp):
    order_id = invited(lamp)
    email_message = sent().messages[0]
    code = code_of(order_id)
    assert email_message.return_path == f"bounces+{code}@shop.example"
    assert email_message.message_id.startswith(code)

    back = BY_NAME["postfix, Gmail: no such account"].replace(CODE.encode(), code.encode())
    with db.transaction() as session:
        assert (
            delivery_reports.accept(session, returned_message.read(back), "mail", NOON + DAY)
            == "taken"
        )

    assert invitation_of(order_id).reason == "undeliverable"


def test_without_the_setting_the_sender_is_as_before_and_the_message_id_names_the_message(
    lamp, asked
):
    back = BY_NAME["Zimbra: over quota"].replace(CODE.encode(), code_of(asked).encode())

    with db.transaction() as session:
        assert (
            delivery_reports.accept(session, returned_message.read(back), "mail", NOON + DAY)
            == "taken"
        )
    assert return_path.address(code_of(asked)) == ""


def test_reports_say_nothing_of_a_person(lamp, asked):
    reported(asked, "soft", "5.2.2")

    with db.reading() as session:
        row = session.execute(select(mail_reports)).one()
        assert session.scalar(select(func.count()).select_from(messages)) == 1
    assert "jan@mail" not in str(row).lower()
    assert set(row._mapping) == {"message_id", "kind", "code", "source", "at"}


def test_sending_is_not_stopped_by_bounces(lamp, asked):
    reported(asked, "hard")

    with db.reading() as session:
        assert send_suspension.stops(session) == {}


@pytest.mark.parametrize("installation", [{"TRUSTSVC_RESEND": "1"}], indirect=True)
def test_a_message_that_arrived_does_not_leave_again_because_it_was_unknown(installation):
    order_id, evening = invited(shop()), NOON + timedelta(hours=7, minutes=50)  # 19:50 there
    sent(Post(SendResult(SendStatus.UNKNOWN, "no_answer")), now=evening)
    sent(now=evening + timedelta(minutes=16))
    assert (message_of(order_id).state, message_of(order_id).resent) == ("due", 1)

    assert reported(order_id, "delivered", "2.0.0", evening + timedelta(hours=1)) == "taken"

    assert sent(now=NOON + DAY).messages == []
    assert (message_of(order_id).state, message_of(order_id).sent_at) == ("sent", evening)


def test_a_message_that_arrived_is_not_tried_again_whatever_its_server_answered(installation):
    order_id = invited(shop())
    sent(Post(SendResult(SendStatus.DEFERRED, "smtp_451")))
    reported(order_id, "delivered", "2.0.0", NOON + timedelta(hours=1))

    assert sent(now=NOON + DAY).messages == []
    assert (message_of(order_id).state, message_of(order_id).sent_at) == (
        "sent",
        NOON + timedelta(hours=1),
    )
