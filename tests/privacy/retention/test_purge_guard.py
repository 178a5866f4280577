"""While the clock is distrusted a purge takes no large part of a table by itself."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from jobs import check_orders, purge_rows, send_messages
from tests.invitations import sample_orders
from trustsvc import cli, clock, clock_check
from trustsvc.clock import Reading
from trustsvc.doctor.check import run_all
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import send_suspension
from trustsvc.privacy import clock_watch
from trustsvc.privacy.retention import purge_guard
from trustsvc.privacy.retention.purge_guard import PurgeShare
from trustsvc.storage import db, event_log

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([("a", 1001, 20_000)], True),
        ([("a", 1000, 1000)], False),
        ([("a", 1001, 20_020)], False),
        ([("a", 600, 5000), ("a", 600, 5000)], True),
        ([("a", 600, 5000), ("b", 600, 5000)], False),
        ([("a", 0, 0)], False),
    ],
)
def test_both_limits_must_be_passed_over_all_rules_of_a_table(shares, expected):
    assert bool(purge_guard.exceeding([PurgeShare("rule", *one) for one in shares])) == expected


def happened(number, at):
    with db.transaction() as session:
        session.execute(
            event_log.events.insert(),
            [{"kind": "x", "shop_id": 1, "subject": 1, "at": at} for _ in range(number)],
        )


def events(kind="x"):
    with db.reading() as session:
        return session.scalar(
            select(func.count())
            .select_from(event_log.events)
            .where(event_log.events.c.kind == kind)
        )


def jumped(by):
    """Have the clock process note that all was well before the wall was set."""
    now = clock.read()
    with db.transaction() as session:
        clock_check.record(session, Reading(now.at - by, now.boot, now.uptime), None)
        return clock_watch.watch(session, now)


def restarted(after):
    """Have the clock process note what it read long ago, in another run of the machine."""
    now = clock.read()
    with db.transaction() as session:
        clock_check.record(session, Reading(now.at - after, "before", now.uptime), None)


def purge(*words):
    done = CliRunner().invoke(cli.main, ["purge", *words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("by", [DAY, 3650 * DAY, -DAY, timedelta(hours=-1)])
def test_a_large_purge_waits_after_a_jump_until_an_operator_confirms(installation, by):
    happened(1200, clock.now() - 100 * DAY)
    jumped(by)

    purge_rows.purge_rows()
    purge_rows.purge_rows()
    assert events() == 1200
    assert events(clock_watch.PURGE_WAITING) == 1
    assert "1200  of 1201 events WAIT" in purge("--dry-run")
    assert "WAIT" in purge()
    assert events() == 1200
    found = {one.check: one for one in run_all(clock.now())}
    assert found["clock"].level == "FAIL"
    assert "clock trust" in found["clock"].remedy
    assert found["sending"].remedy == "see the line on the clock"

    assert "WAIT" not in purge("--confirm")
    assert events() == 0


def test_a_small_purge_goes_on_after_a_jump(installation):
    happened(900, clock.now() - 100 * DAY)
    happened(100, clock.now())
    jumped(DAY)

    purge_rows.purge_rows()

    assert events() == 100


def test_a_small_installation_loses_nothing_to_a_clock_set_ahead_until_an_operator_says_it_is_right(
    installation,
):
    true = clock.now() - 3650 * DAY
    happened(1, true)
    order_id = sample_orders.invited(
        sample_orders.shop(delay=7, delay_unit="days"), true, created_at=true
    )
    jumped(3650 * DAY)

    purge_rows.purge_rows()
    assert "Nothing is due." in purge("--dry-run")
    assert "Nothing is due." in purge()
    assert events() == 1
    assert sample_orders.order_row(order_id).email
    assert sample_orders.message_of(order_id).state == "due"

    purge("--confirm")
    assert events() == 0


def test_a_large_purge_without_a_jump_goes_on(installation):
    happened(1200, clock.now() - 100 * DAY)
    with db.transaction() as session:
        clock_watch.watch(session, clock.read())

    purge_rows.purge_rows()

    assert events() == 0


def test_after_a_month_of_being_off_it_asks_only_for_what_is_large_and_messages_leave(installation):
    happened(1200, clock.now() - 100 * DAY)
    restarted(31 * DAY)

    purge_rows.purge_rows()

    assert events() == 1200
    assert "service was off" in purge("--dry-run")
    with db.transaction() as session:
        assert clock_watch.watch(session, clock.read()) == clock_check.GAP
        assert send_suspension.stops(session) == {}
    assert {one.check: one.level for one in run_all(clock.now())}["clock"] == "WARN"


def test_a_tick_is_never_a_jump(installation):
    happened(1200, clock.now() - 100 * DAY)
    jumped(DAY)

    assert CliRunner().invoke(cli.main, ["tick"]).exit_code == 0

    assert events() == 0


def test_messages_in_the_maildir_wait_too(installation):
    place = installation.data / "mail" / "new"
    place.mkdir(parents=True)
    old = int((clock.now() - 60 * DAY).timestamp())
    for number in range(1100):
        (place / f"{old}.{number}.trustsvc").touch()
    jumped(DAY)

    purge_rows.purge_rows()
    assert len(list(place.iterdir())) == 1100
    assert "maildir WAIT" in purge("--dry-run")

    purge("--confirm")
    assert list(place.iterdir()) == []


def in_mail(installation):
    return len(list((installation.data / "mail" / "new").glob("*")))


@pytest.fixture
def by_day(installation):
    """Buyers who live where it is daytime now, so that quiet hours delay nothing."""
    hour = clock.now().hour
    return f"Etc/GMT{hour - 12:+d}" if hour != 12 else "UTC"


def due_now(zone):
    shop = sample_orders.shop(zone=zone)
    return sample_orders.invited(shop, clock.now(), locale="", created_at=clock.now())


@pytest.mark.parametrize("by", [DAY, 3650 * DAY])
def test_nothing_leaves_early_and_all_of_it_when_the_clock_is_back(installation, by_day, by):
    order_id = due_now(by_day)
    shop = sample_orders.shop(zone=by_day)
    waits = sample_orders.place(
        shop, clock.now(), email="eva@mail.example", created_at=clock.now(), locale=""
    )
    jumped(by)  # seconds ago, and nobody but this process looks

    check_orders.check_orders()
    send_messages.send_messages()

    assert sample_orders.message_of(order_id).state == "due"
    assert sample_orders.order_row(waits).state == "received"
    assert in_mail(installation) == 0

    with db.transaction() as session:
        clock_watch.trust(session, clock.read())
    check_orders.check_orders()
    send_messages.send_messages()
    assert in_mail(installation) == 2


def test_a_jump_nobody_noted_yet_already_holds_the_messages(installation, by_day):
    due_now(by_day)
    now = clock.read()
    with db.transaction() as session:
        clock_check.record(session, Reading(now.at - DAY, now.boot, now.uptime), None)
        assert send_suspension.stops(session) == {}

    send_messages.send_messages()

    assert in_mail(installation) == 0


@pytest.mark.parametrize(
    "outcome",
    [SendResult(SendStatus.DEFERRED, "smtp_450"), SendResult(SendStatus.SENT)],
)
def test_a_jump_in_the_middle_of_a_batch_puts_off_no_message_and_ends_no_invitation(
    installation, by_day, outcome, monkeypatch
):
    order_id = due_now(by_day)
    right, true, ahead = clock.now, clock.now(), [0 * DAY]
    monkeypatch.setattr(clock, "now", lambda: right() + ahead[0])

    class Transport:
        def send(self, email_message, before_end_of_data):
            ahead[0] = 3650 * DAY
            if outcome.status is SendStatus.SENT:
                before_end_of_data()
            return outcome

    monkeypatch.setattr(send_messages, "open_transport", lambda _: nullcontext(Transport()))
    send_messages.send_messages()

    email_message = sample_orders.message_of(order_id)
    assert email_message.state == ("sent" if outcome.status is SendStatus.SENT else "due")
    assert (email_message.sent_at or email_message.due_at) - true < DAY
    assert sample_orders.invitation_of(order_id).state == "open"


def test_the_stop_of_a_restore_is_not_lifted_by_a_clock_that_is_right_again(installation):
    with db.transaction() as session:
        send_suspension.stop(session, send_suspension.RESTORE, "no_suppressions", clock.now())
    jumped(DAY)
    done = CliRunner().invoke(cli.main, ["clock", "trust"])

    assert done.exit_code == 0, done.output
    with db.reading() as session:
        assert send_suspension.stops(session) == {send_suspension.RESTORE: "no_suppressions"}
        assert purge_guard.clock_problem() is None
