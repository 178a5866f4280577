from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select

from tests.invitations.sample_orders import (
    NOON,
    Post,
    invited,
    message_of,
    message_values,
    place,
    planned,
    sent,
    shop,
)
from tests.mail.feedback.test_delivery_reports import reported
from trustsvc import clock
from trustsvc.cli import main
from trustsvc.doctor import stores
from trustsvc.invitations.models import invitations
from trustsvc.mail.feedback import complaint_rate
from trustsvc.mail.outbox import send_suspension
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db, event_log

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

DAY = timedelta(days=1)


@pytest.fixture
def lamp(installation):
    return shop()


def complained(lamp, number, now=NOON + DAY):
    """Have so many buyers complain of messages that left at noon."""
    ids = [invited(lamp, email=f"buyer{next(numbers)}@mail.example") for _ in range(number)]
    sent()
    for order_id in ids:
        reported(order_id, "complaint", "abuse", now=now)
    return ids


numbers = iter(range(1, 1_000_000))


def filled(order_id, number, at=NOON):
    """Have so many messages more that left, of one order's copies."""
    with db.transaction() as session:
        one = session.execute(select(invitations).where(invitations.c.order_id == order_id)).one()
        rows = [
            {**one._mapping, "id": None, "order_id": None, "link": b"%d" % next(numbers)}
            for _ in range(number)
        ]
        from trustsvc.orders.models import orders

        first = session.execute(select(orders).where(orders.c.id == order_id)).one()._mapping
        copies = [
            {**{k: v for k, v in first.items() if k != "id"}, "identity": row["link"]}
            for row in rows
        ]
        made = session.scalars(insert(orders).returning(orders.c.id), copies).all()
        for row, order in zip(rows, made, strict=True):
            del row["id"]
            row["order_id"] = order
        made = session.scalars(insert(invitations).returning(invitations.c.id), rows).all()
        session.execute(messages.insert(), [message_values(one, at=at) for one in made])


def stops():
    with db.reading() as session:
        return send_suspension.stops(session)


def happened():
    with db.reading() as session:
        rows = session.scalars(select(event_log.events.c.kind).order_by(event_log.events.c.id))
        return [kind for kind in rows if kind.startswith("sending.")]


@pytest.mark.parametrize(
    ("complained", "left", "alarming", "too_much"),
    [
        (0, 0, False, False),
        (1, 1001, False, False),
        (1, 1000, True, False),
        (2, 10, True, False),  # two are not a pattern
        (3, 1001, True, False),
        (3, 1000, True, True),
        (3, 0, True, True),
        (30, 10_001, True, False),
        (31, 10_000, True, True),
    ],
)
def test_alarm_from_one_in_a_thousand_and_stop_from_three_in_a_thousand(
    complained, left, alarming, too_much
):
    rate = complaint_rate.Rate(complained, left)

    assert (rate.is_alarming, rate.is_too_much) == (alarming, too_much)


def test_one_complaint_of_few_messages_is_an_alarm_and_no_stop(lamp):
    complained(lamp, 1)

    assert stops() == {}
    assert happened() == [complaint_rate.ALARMED]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_alarm_is_raised_once_a_day(lamp):
    ids = complained(lamp, 1)
    filled(ids[0], 2000)
    complained(lamp, 2, NOON + DAY + timedelta(hours=1))
    complained(lamp, 1, NOON + 2 * DAY + timedelta(hours=1))

    assert happened() == [complaint_rate.ALARMED] * 2


def test_three_in_a_thousand_stop_sending_and_no_message_leaves(lamp):
    complained(lamp, 3)

    assert stops() == {"complaints": "complaint_rate"}
    assert happened() == [complaint_rate.ALARMED, "sending.stopped"]
    waits = invited(lamp)
    assert sent(now=NOON + DAY).messages == []
    assert message_of(waits).state == "due"


@pytest.mark.slow
def test_many_messages_beside_them_and_it_goes_on(lamp):
    order_id = invited(lamp)
    sent()
    filled(order_id, 1200)
    complained(lamp, 3)

    assert stops() == {}


def test_what_is_older_than_a_week_does_not_count(lamp):
    complained(lamp, 2, NOON + DAY)
    complained(lamp, 1, NOON + 9 * DAY)

    assert stops() == {}


def test_a_stop_taken_back_does_not_come_back_for_the_same_complaints(lamp):
    ids = complained(lamp, 3)
    with db.transaction() as session:
        assert complaint_rate.resume(session, send_suspension.COMPLAINTS, NOON + 2 * DAY)
        assert not complaint_rate.resume(session, send_suspension.COMPLAINTS, NOON + 2 * DAY)

    complained(lamp, 2, NOON + 3 * DAY)
    assert stops() == {}
    reported(ids[0], "complaint", "abuse", now=NOON + 3 * DAY)  # of before, come again
    assert stops() == {}
    complained(lamp, 1, NOON + 3 * DAY)
    assert stops() == {"complaints": "complaint_rate"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_doctor_and_the_command_line_say_so_and_take_it_back(lamp):
    now = clock.now()
    complained(lamp, 3, now - timedelta(seconds=1))
    run = CliRunner().invoke

    found = {one.check: one for one in stores.database(now)}
    assert (found["sending"].level, found["complaints"].level) == ("FAIL", "WARN")
    assert "resume complaints" in found["sending"].remedy
    assert "complaints (complaint_rate)" in run(main, ["mail", "status"]).output
    assert "E-mails leave again." in run(main, ["mail", "resume", "complaints"]).output
    assert stops() == {}
    assert "E-mails leave." in run(main, ["mail", "status"]).output
    assert run(main, ["mail", "resume", "complaints"]).exit_code == 1


def test_the_restores_stop_is_not_taken_back_here(lamp):
    with db.transaction() as session:
        send_suspension.stop(session, send_suspension.RESTORE, "no_suppressions", NOON)

    done = CliRunner().invoke(main, ["mail", "resume", "restore"])

    assert (done.exit_code, "--sending-on" in done.output) == (1, True)
    assert stops() == {"restore": "no_suppressions"}


def test_messages_that_were_leased_already_stop_too_and_leave_when_sending_goes_on(installation):
    at_shop = shop()
    for name in ("jan", "piet", "eva"):
        place(at_shop, email=f"{name}@mail.example")
    planned()

    def stop():
        with db.transaction() as session:
            send_suspension.stop(session, send_suspension.COMPLAINTS, "complaint_rate", NOON)

    assert sent(Post(meanwhile=stop)).messages == []

    with db.transaction() as session:
        assert send_suspension.resume(session, send_suspension.COMPLAINTS)
    assert len(sent().messages) == 3
