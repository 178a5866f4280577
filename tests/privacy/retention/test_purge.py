import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select, update

from jobs import send_messages
from tests.invitations.sample_orders import message_values
from tests.reviews.sample_reviews import invitation, order, review, shop
from tests.staff.signed_in_staff import one_time_link, sign_in
from trustsvc import clock
from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations
from trustsvc.mail.feedback.models import mail_reports
from trustsvc.mail.outbox.models import messages
from trustsvc.orders import buyer, decision_log
from trustsvc.orders.models import decisions, orders, webhook_deliveries
from trustsvc.privacy import breach, receipts
from trustsvc.privacy.retention import preview, purge, tables
from trustsvc.reviews import lookup, moderate, publish, withdraw
from trustsvc.reviews.models import publications, reviews
from trustsvc.shops import secret_rotation
from trustsvc.shops.models import shops
from trustsvc.staff.models import staff_links, staff_sessions
from trustsvc.storage import db, event_log
from trustsvc.transactional_mail import enqueue
from trustsvc.transactional_mail.models import transactional_messages

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

DAY = timedelta(days=1)
MOMENT = timedelta(seconds=1)


@pytest.fixture
def start(installation):
    return clock.now()


def _known(*order_ids):
    with db.reading() as session:
        return sorted(buyer.read(session, order_ids))


def _count(table):
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def _holds():
    with db.reading() as session:
        return receipts.verify(session)


def test_an_invited_buyer_is_erased_90_days_after_the_last_message(start):
    asked = order(shop(), at=start)
    made, _ = invitation(shop(), asked, at=start, sent_at=start + 7 * DAY)
    with db.transaction() as session:
        session.execute(
            messages.insert().values(message_values(made, "reminder", start + 14 * DAY))
        )

    assert "buyer_contact" not in purge.purge_due(start + 104 * DAY - MOMENT)
    assert _known(asked) == [asked]
    assert purge.purge_due(start + 104 * DAY)["buyer_contact"] == 1
    assert _known(asked) == []
    with db.reading() as session:
        row = session.execute(select(orders).where(orders.c.id == asked)).one()
    assert (row.name, row.reference, row.email, row.locale) == (None, None, None, None)
    assert (
        row.buyer_pseudonym is None
    )  # nobody to be found by it any more, and the cap period is over


@pytest.mark.parametrize("message_state", ["due", "leased", "handed"])
def test_a_buyer_whose_message_still_waits_is_kept_but_never_for_ever(start, message_state):
    asked = order(shop(), at=start)
    invitation(shop(), asked, at=start, message_state=message_state)

    purge.purge_due(start + 200 * DAY)
    assert _known(asked) == [asked]
    purge.purge_due(start + 365 * DAY)
    assert _known(asked) == []


@pytest.mark.parametrize("message_state", ["refused", "dropped", None])
def test_a_buyer_whom_no_message_reached_is_erased_90_days_after_the_order(start, message_state):
    asked = order(shop(), at=start)
    invitation(shop(), asked, at=start, message_state=message_state)

    purge.purge_due(start + 90 * DAY - MOMENT)
    assert _known(asked) == [asked]
    purge.purge_due(start + 90 * DAY)
    assert _known(asked) == []


def test_a_message_that_may_have_arrived_counts_as_sent(start):
    asked = order(shop(), at=start)
    invitation(shop(), asked, at=start + 10 * DAY, message_state="unknown")

    purge.purge_due(start + 100 * DAY - MOMENT)
    assert _known(asked) == [asked]
    purge.purge_due(start + 100 * DAY)
    assert _known(asked) == []


def test_a_buyer_who_will_not_be_asked_is_erased_at_the_next_purge(start):
    where = shop()
    never, waits = order(where), order(where, state="received")
    gone = order(where)
    invitation(where, gone, state="withdrawn", message_state="dropped", reason="opted_out")

    assert purge.purge_due(start + MOMENT) == {"buyer_contact": 2}
    assert _known(never, waits, gone) == [waits]


def test_an_order_that_is_never_paid_goes_with_the_shops_limit_for_old_orders(start):
    patient, hasty = shop("Patient"), shop("Hasty")
    with db.transaction() as session:
        session.execute(update(shops).where(shops.c.id == hasty.id).values(max_age_days=5))
    late, lost = order(patient, state="waiting", at=start), order(hasty, state="waiting", at=start)

    assert purge.purge_due(start + 5 * DAY - MOMENT) == {}
    assert purge.purge_due(start + 5 * DAY) == {"buyer_contact": 1}
    assert _known(late, lost) == [late]
    with db.reading() as session:
        states = dict(session.execute(select(orders.c.id, orders.c.state)).all())
        logged = [(line.step, line.rule) for line in decision_log.of_order(session, lost)]
    assert states == {late: "waiting", lost: "settled"}
    assert logged == [("purge", "waited_too_long")]


def test_the_pseudonym_of_a_buyer_goes_after_the_cap_period_or_90_days_whichever_is_later(start):
    short, long = shop("Short"), shop("Long")
    with db.transaction() as session:
        session.execute(update(shops).where(shops.c.id == long.id).values(cap_days=200))
    forgotten = {"email": None, "name": None, "reference": None}
    one, other = order(short, at=start, **forgotten), order(long, at=start, **forgotten)
    asked = order(short, at=start, **forgotten)
    invitation(short, asked, at=start, state="redeemed", sent_at=start + 30 * DAY)

    def marked():
        with db.reading() as session:
            found = session.scalars(
                select(orders.c.id).where(orders.c.buyer_pseudonym.is_not(None))
            )
            return set(found)

    purge.purge_due(start + 90 * DAY - MOMENT)
    assert marked() == {one, other, asked}
    purge.purge_due(start + 90 * DAY)
    assert marked() == {other, asked}
    purge.purge_due(start + 120 * DAY - MOMENT)
    assert marked() == {other, asked}
    purge.purge_due(start + 120 * DAY)  # counted from the message, by its shop's own days
    assert marked() == {other}
    purge.purge_due(start + 200 * DAY)
    assert marked() == set()


def test_a_rejected_review_is_emptied_after_90_days_and_its_count_stays(start):
    where = shop()
    public_id = review(where, at=start)
    with db.transaction() as session:
        moderate.reject(session, public_id, "spam", "staff 1", start)

    assert purge.purge_due(start + 90 * DAY - MOMENT) == {}
    assert purge.purge_due(start + 90 * DAY)["review"] == 1
    assert "review" not in purge.purge_due(start + 91 * DAY)

    with db.reading() as session:
        row = session.execute(select(reviews)).one()
    assert {row.title, row.text, row.name, row.city} == {""}
    assert (row.email, row.reference, row.buyer_pseudonym) == (None, None, None)
    assert (row.state, row.reason, row.stars) == ("rejected", "spam", 4)


def test_an_emptied_review_that_is_written_again_and_rejected_again_is_emptied_again(start):
    public_id = review(shop(), at=start)
    with db.transaction() as session:
        moderate.reject(session, public_id, "spam", "staff 1", start)
    purge.purge_due(start + 90 * DAY)
    with db.transaction() as session:
        session.execute(update(reviews).values(state="pending", text="Again", name="Ada"))
        moderate.reject(session, public_id, "insult", "staff 1", start + 95 * DAY)

    assert "review" not in purge.purge_due(start + 100 * DAY)
    assert purge.purge_due(start + 185 * DAY)["review"] == 1
    with db.reading() as session:
        assert lookup.find_review(session, public_id).text == ""


def test_reviews_that_wait_or_stand_are_never_emptied(start):
    where = shop()
    pending, standing = review(where, at=start), review(where, at=start)
    with db.transaction() as session:
        moderate.approve(session, standing, "staff 1", start)
        publish.publish_approved(session, start)

    purge.purge_due(start + 3000 * DAY)

    with db.reading() as session:
        assert lookup.find_review(session, pending).text == "Fiets kwam heel aan."
        assert lookup.find_review(session, standing).name == "Ada L."
        stored = session.scalar(select(reviews.c.email).where(reviews.c.public_id == standing))
    assert stored == "buyer@mail.example"
    assert (_count(publications), _count(invitations), _count(orders)) == (1, 2, 2)


def test_after_two_years_orders_go_with_all_that_was_decided_on_them(start):
    where = shop()
    plain = order(where, at=start)
    asked = order(where, at=start)
    invitation(where, asked, at=start)
    taken_back, kept = review(where, at=start), review(where, at=start)
    with db.transaction() as session:
        decision_log.write(
            session, [decision_log.DecisionLogEntry(plain, "may_ask", "unpaid", "wait", start)]
        )
        withdraw.withdraw(session, taken_back, start)
        moderate.approve(session, kept, "staff 1", start)
        publish.publish_approved(session, start)

    purge.purge_due(start + 729 * DAY)
    assert (_count(orders), _count(invitations), _count(messages)) == (4, 3, 3)
    purge.purge_due(start + 730 * DAY + 2 * MOMENT)

    assert (_count(orders), _count(invitations), _count(messages)) == (1, 1, 1)
    assert (_count(decisions), _count(reviews)) == (0, 2)
    with db.reading() as session:
        assert lookup.find_review(session, kept).invitation_id is not None
        assert lookup.find_review(session, taken_back).invitation_id is None


def test_what_came_back_about_a_message_goes_with_it(start):
    where = shop()
    made, _ = invitation(where, order(where, at=start), at=start)
    with db.transaction() as session:
        email_message = session.scalar(select(messages.c.id).where(messages.c.subject_id == made))
        session.execute(
            mail_reports.insert().values(
                message_id=email_message, kind="soft", code="5.2.2", source="mail", at=start
            )
        )

    purge.purge_due(start + 729 * DAY)
    assert _count(mail_reports) == 1
    purge.purge_due(start + 731 * DAY)
    assert (_count(mail_reports), _count(messages), _count(orders)) == (0, 0, 0)


def test_an_old_order_with_a_recent_decision_stays_until_that_is_old(start):
    old = order(shop(), at=start)
    with db.transaction() as session:
        decision_log.write(
            session,
            [
                decision_log.DecisionLogEntry(
                    old, "withdraw", "stop", "withdrawn", start + 700 * DAY
                )
            ],
        )

    purge.purge_due(start + 800 * DAY)
    assert _count(orders) == 1
    purge.purge_due(start + 1430 * DAY)
    assert (_count(orders), _count(decisions)) == (0, 0)


def test_delivery_ids_go_after_35_days_and_the_event_log_after_90(start):
    where = shop()
    with db.transaction() as session:
        session.execute(event_log.events.delete())
        for number in range(3):
            at = start + number * MOMENT
            session.execute(
                webhook_deliveries.insert().values(
                    shop_id=where.id, delivery_hash=b"%d" % number, body_hash=b"", at=at
                )
            )
            event_log.record(session, "review.published", where.id, number, at)

    assert purge.purge_due(start + 35 * DAY) == {"webhook_delivery": 1}
    assert purge.purge_due(start + 35 * DAY + MOMENT) == {"webhook_delivery": 1}
    assert _count(webhook_deliveries) == 1
    assert purge.purge_due(start + 90 * DAY + 2 * MOMENT) == {"webhook_delivery": 1, "event_log": 3}


def test_links_and_sessions_of_staff_go_when_they_end(client, start):
    one_time_link("Sam")
    sign_in(client, "Robin")

    purge.purge_due(clock.now() + timedelta(hours=11, minutes=59))
    assert (_count(staff_links), _count(staff_sessions)) == (2, 1)
    purge.purge_due(clock.now() + timedelta(hours=12))
    assert (_count(staff_links), _count(staff_sessions)) == (2, 0)
    purge.purge_due(clock.now() + timedelta(hours=24))
    assert (_count(staff_links), _count(staff_sessions)) == (0, 0)


def _message(installation, name, written_at):
    path = installation.data / "mail" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("Dear Ada")
    os.utime(path, (written_at.timestamp(),) * 2)
    return path


def test_messages_in_the_maildir_go_after_30_days_by_the_second_in_their_name(installation, start):
    second = int(start.timestamp())
    old = _message(installation, f"new/{second}.ab.trustsvc", start + 9 * DAY)  # touched since
    read = _message(installation, f"cur/{second}.cd.trustsvc:2,S", start)
    odd = _message(installation, "tmp/odd", start)
    young = _message(installation, f"new/{second + 3600}.ef.trustsvc", start)
    mine = _message(installation, "notes", start)

    assert purge.purge_due(start + 30 * DAY - MOMENT) == {}
    assert preview.planned(start + 30 * DAY + MOMENT) == {"maildir": 3}
    assert purge.purge_due(start + 30 * DAY + MOMENT) == {"maildir": 3}
    assert [path.exists() for path in (old, read, odd, young, mine)] == [
        False,
        False,
        False,
        True,
        True,
    ]


def _answered(installation, at):
    """A link was requested and mailed; gives the file of that e-mail."""
    message = enqueue.TransactionalMessage(
        "my_data_link", "nl", "ada@mail.example", facts={"link": "https://x.example/me/y"}
    )
    with clock.at(at):
        with db.transaction() as session:
            enqueue.write(session, message, at)
        send_messages.send_messages()
    (path,) = (installation.data / "mail" / "new").iterdir()
    assert b"ada@mail.example" in path.read_bytes()
    return path


@pytest.mark.parametrize("read", [False, True])
def test_what_answered_somebody_leaves_the_maildir_within_72_hours(installation, start, read):
    path = _answered(installation, start)
    if read:  # mail programs move and rename what was read
        path = path.rename(installation.data / "mail" / "cur" / f"{path.name}:2,S")

    ahead = preview.upcoming(start)["transactional_mail"]
    purge.purge_due(start + timedelta(hours=69))
    assert path.exists()
    purge.purge_due(start + timedelta(hours=71))  # the purge comes by the hour
    assert not path.exists()
    assert ahead <= start + timedelta(hours=71)
    assert _holds()


def test_the_pseudonym_of_a_settled_answer_goes_after_a_day_and_of_one_that_never_left_after_three(
    installation, start
):
    _answered(installation, start)
    with db.transaction() as session:
        enqueue.write(
            session, enqueue.TransactionalMessage("my_data_link", "nl", "eve@mail.example"), start
        )

    purge.purge_due(start + DAY - MOMENT)
    assert _count(transactional_messages) == 2
    assert purge.purge_due(start + DAY) == {"transactional_mail": 1}
    purge.purge_due(start + 3 * DAY - MOMENT)
    assert _count(transactional_messages) == 1
    purge.purge_due(start + 3 * DAY)
    assert _count(transactional_messages) == 0


def test_a_purge_that_finds_nothing_writes_no_receipt(start):
    assert purge.purge_due(start) == {}
    assert _count(receipts.receipts) == 0


def test_each_batch_has_its_receipt_and_the_chain_holds(start, monkeypatch):
    monkeypatch.setattr(purge, "BATCH_SIZE", 10)
    where = shop()
    for number in range(25):
        order(where, f"R-{number}")

    assert preview.planned(start + MOMENT) == {"buyer_contact": 25}
    assert purge.purge_due(start + MOMENT) == {"buyer_contact": 25}

    assert _holds()
    with db.reading() as session:
        found = [(one.what, one.number) for one, _, _ in receipts.chain(session)]
    assert found == [("buyer_contact", 10), ("buyer_contact", 10), ("buyer_contact", 5)]
    assert preview.planned(start + MOMENT) == {}


def test_a_purge_killed_midway_is_finished_by_the_next(start, monkeypatch):
    monkeypatch.setattr(purge, "BATCH_SIZE", 10)
    where = shop()
    ids = [order(where, f"R-{number}") for number in range(25)]
    really, turns = purge.receipts.write, []

    def killed(session, receipt):
        turns.append(receipt)
        if len(turns) == 2:
            raise KeyboardInterrupt
        really(session, receipt)

    monkeypatch.setattr(purge.receipts, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        purge.purge_due(start + MOMENT)
    monkeypatch.setattr(purge.receipts, "write", really)

    assert len(_known(*ids)) == 15
    assert purge.purge_due(start + MOMENT) == {"buyer_contact": 15}
    assert _holds()


@pytest.mark.parametrize("number", [0, 1])
def test_what_changed_between_looking_and_deleting_is_looked_at_again(start, monkeypatch, number):
    where = shop()
    unpaid, asked = order(where, state="waiting", at=start), order(where, at=start)
    invitation(where, asked, at=start)
    step = tables.steps(start + 90 * DAY)[number]
    really = db.transaction

    def news_meanwhile():
        with really() as session:
            session.execute(update(orders).values(state="received"))
            session.execute(update(messages).values(state="due"))
        return really()

    monkeypatch.setattr(purge.db, "transaction", news_meanwhile)
    assert purge._purge_batch(step, start + 90 * DAY) == 0
    monkeypatch.undo()

    assert _known(unpaid, asked) == [unpaid, asked]


def _files(installation, request):
    """All files of this installation's database on disk."""
    if db.is_sqlite():
        return list(installation.data.glob("trustsvc.db*"))
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CHECKPOINT")
        oid = connection.exec_driver_sql(
            "SELECT oid FROM pg_database WHERE datname = current_database()"
        ).scalar_one()
    return list((Path(request.getfixturevalue("postgres")) / "data/base" / str(oid)).iterdir())


def test_of_what_was_deleted_no_byte_is_left_in_the_files(installation, start, request):
    where = shop()
    for number in range(60):
        order(
            where,
            f"R-{number}",
            buyer_pseudonym=b"canary-of-purge-%02d" % number,
            at=start,
            email=None,
        )

    def found():
        return any(
            b"canary-of-purge" in path.read_bytes() for path in _files(installation, request)
        )

    assert found()
    purge.purge_due(start + 90 * DAY)
    assert not found()


def test_a_withdrawn_invitation_and_a_purge_agree(start):
    where = shop()
    asked = order(where)
    invitation(where, asked, message_state="due")
    with db.transaction() as session:
        redeem.withdraw(session, [asked], "stop", start)

    assert purge.purge_due(start + MOMENT) == {}
    assert _known(asked) == []


def test_the_link_to_the_desk_still_works_after_a_purge(client, start):
    path = one_time_link()
    purge.purge_due(clock.now())

    assert client.post(urlsplit(path).path).status_code == 303


def test_an_old_secret_goes_when_its_day_is_over_and_the_new_one_stays(start):
    made = shop()
    with db.transaction() as session:
        fresh = secret_rotation.rotate_secret(session, made.slug, "", start)

    assert purge.purge_due(start + DAY - MOMENT) == {}
    assert purge.purge_due(start + DAY) == {"previous_secret": 1}
    assert purge.purge_due(start + 2 * DAY) == {}
    with db.reading() as session:
        row = session.execute(select(shops)).one()
    assert (row.secret, row.old_secret, row.old_secret_until) == (fresh, None, None)


def test_the_line_of_a_list_goes_after_two_years(start):
    with db.transaction() as session:
        breach.record_disclosure(session, "table orders", 3, "root", start)

    assert purge.purge_due(start + 730 * DAY - MOMENT) == {}
    assert purge.purge_due(start + 730 * DAY) == {"disclosure_log": 1}


def test_what_goes_next_is_listed_to_the_minute_and_comes_true(installation, start):
    made = shop()
    asked = order(made, at=start)
    invitation(made, asked, at=start, sent_at=start + 7 * DAY)
    second = int(start.timestamp())
    _message(installation, f"new/{second}.ab.trustsvc", start)

    ahead = preview.upcoming(start)

    assert start + 97 * DAY <= ahead["buyer_contact"] < start + 97 * DAY + 2 * preview.MINUTE
    assert ahead["maildir"] <= start + 30 * DAY
    assert "review" not in ahead
    assert "buyer_contact" not in preview.planned(ahead["buyer_contact"] - preview.MINUTE)
    assert preview.planned(ahead["buyer_contact"])["buyer_contact"] == 1


def test_what_is_due_already_goes_now(start):
    order(shop())

    assert preview.upcoming(start + MOMENT)["buyer_contact"] == start + MOMENT


def test_who_never_confirmed_a_registration_is_erased_after_72_hours(start):
    from trustsvc.registry import double_opt_in
    from trustsvc.registry.models import pending_registrations

    where = shop()
    with db.transaction() as session:
        double_opt_in.request_registration(
            session,
            double_opt_in.RegistrationRequest("jan@mail.example", where.id, "nl", "page"),
            start,
        )

    purge.purge_due(start + 3 * DAY - MOMENT)
    assert _count(pending_registrations) == 1
    assert purge.purge_due(start + 3 * DAY)["pending_registration"] == 1
    assert _count(pending_registrations) == 0
