"""Alarms on real rows, with the e-mail to the operator as the mail server gets it."""

import email
import email.policy
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from jobs.send_messages import send_messages
from jobs.watch_webhooks import watch_webhooks
from tests.orders.webhook_health.sample_days import deliver, weeks
from trustsvc import clock, clock_check, config
from trustsvc.orders.webhook_health import alarm, summary
from trustsvc.shops import enrol
from trustsvc.shops.models import shops
from trustsvc.storage import db, event_log
from trustsvc.transactional_mail.models import transactional_messages

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LATER = NOON + 20 * DAY


def enrolled(name="Blue Lamp", **decided):
    with db.transaction() as session:
        new = enrol.Enrolment(name, "lamp.example", "woocommerce", **decided)
        return enrol.enrol(session, new, NOON - 90 * DAY)[0]


@pytest.fixture
def installation(installation):
    """With an operator who can be written to."""
    config.use(replace(installation, alarm_to="ops@lamp.example"))
    return config.current()


@pytest.fixture
def shop(installation):
    """A shop that delivered one order a day for two months, the last one on NOON's day."""
    made = enrolled()
    deliver(made.id, weeks(NOON))
    return made


def run(at):
    with clock.at(at):
        watch_webhooks()


def events():
    with db.reading() as session:
        rows = session.execute(select(event_log.events).order_by(event_log.events.c.id))
        return [row.kind for row in rows if row.kind != "shop.enrolled"]


def trouble(at=LATER):
    with db.reading() as session:
        return {one.shop.slug: one.trouble for one in summary.with_alarm(session, at)}


def emails(installation, at):
    with clock.at(at + HOUR / 2):  # an e-mail is due when the job wrote it, some moments later
        send_messages()
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(installation.data.glob("mail/new/*"))
    ]


def test_a_shop_that_falls_silent_is_an_alarm_once_with_an_e_mail(shop, installation):
    run(NOON + 10 * DAY)
    assert (events(), trouble()) == ([], {})
    for hours in range(3):
        run(LATER + hours * HOUR)

    assert events() == ["shop.silent"]
    assert trouble() == {"blue-lamp": "silent"}
    (letter,) = emails(installation, LATER)
    assert letter["To"] == "ops@lamp.example"
    assert letter["Subject"] == "No orders any more: Blue Lamp"
    text = letter.get_body(preferencelist=("plain",)).get_content()
    assert "Blue Lamp" in text
    assert f"{installation.base_url}/desk/shops" in text.splitlines()


def test_the_alarm_lasts_until_an_order_can_be_read_again_and_may_come_back(shop, installation):
    run(LATER)
    deliver(shop.id, [LATER + HOUR], "bad_signature")
    deliver(shop.id, [LATER + HOUR], "refused")
    run(LATER + 100 * DAY)
    assert events() == ["shop.silent"]

    deliver(shop.id, [LATER + 101 * DAY], "duplicate")
    run(LATER + 101 * DAY + HOUR)
    assert events() == ["shop.silent", "shop.alarm_ended"]
    assert trouble() == {}

    again = LATER + 101 * DAY
    deliver(shop.id, weeks(again + 60 * DAY, 58))
    run(again + 90 * DAY)
    assert events() == ["shop.silent", "shop.alarm_ended", "shop.silent"]
    assert len(emails(installation, again + 90 * DAY)) == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_several_shops_are_one_e_mail(installation):
    for name in ("Blue Lamp", "Red Chair", "Green Door"):
        deliver(enrolled(name).id, weeks(NOON))

    run(LATER)

    assert events() == ["shop.silent"] * 3
    (letter,) = emails(installation, LATER)
    assert letter["Subject"] == "No orders any more: Blue Lamp +2"
    text = " ".join(letter.get_body(preferencelist=("plain",)).get_content().split())
    assert "Blue Lamp, Green Door, Red Chair " in text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", ["en", "nl", "de", "fr"])
def test_the_e_mail_goes_to_the_operator_in_the_shop_s_language(installation, language):
    made = enrolled('Lamp & "Zoon"', language=language)
    deliver(made.id, [LATER], "ignored:platform_error")
    deliver(made.id, weeks(NOON))

    run(LATER)

    (letter,) = emails(installation, LATER)
    assert letter["To"] == "ops@lamp.example"
    assert 'Lamp & "Zoon"' in letter["Subject"]
    html = letter.get_body(preferencelist=("html",)).get_content()
    assert f'lang="{language}"' in html
    assert "Lamp &amp; &#34;Zoon&#34;" in html


def test_a_closed_shop_raises_none_and_closing_one_ends_its_alarm(shop):
    run(LATER)
    assert trouble()
    with db.transaction() as session:
        session.execute(shops.update().values(closed_at=LATER))

    run(LATER + HOUR)
    run(LATER + 2 * HOUR)

    assert events() == ["shop.silent", "shop.alarm_ended"]


def test_a_shop_that_is_gone_is_not_watched(installation):
    deliver(4711, weeks(NOON))
    deliver(4711, [NOON], "ignored:platform_error")

    run(LATER)

    assert events() == []


@pytest.mark.parametrize("answer", ["accepted", "bad_signature"])
def test_a_new_shop_and_one_without_any_delivery_raise_none(installation, answer):
    deliver(enrolled().id, weeks(NOON, 12), answer, count=50)
    enrolled("Quiet")

    run(LATER)

    assert events() == []


def test_errors_instead_of_orders_are_an_alarm_at_once(shop, installation):
    deliver(shop.id, [NOON + DAY], "ignored:platform_error")

    run(NOON + DAY + HOUR)
    run(LATER)

    assert events() == ["shop.platform_error"]
    assert trouble() == {"blue-lamp": "platform_error"}
    assert emails(installation, LATER)[0]["Subject"] == "Errors instead of orders: Blue Lamp"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_broken_webhook_among_good_ones_is_an_alarm_until_a_day_without_errors(shop):
    deliver(shop.id, [NOON + DAY], "ignored:platform_error")
    deliver(shop.id, [NOON + DAY + HOUR])
    run(NOON + DAY + 2 * HOUR)
    assert events() == ["shop.platform_error"]

    deliver(shop.id, [NOON + 2 * DAY])
    run(NOON + 2 * DAY - HOUR)
    assert events() == ["shop.platform_error"]
    run(NOON + 2 * DAY + HOUR)
    assert events() == ["shop.platform_error", "shop.alarm_ended"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_silent_shop_that_sends_errors_gets_the_other_alarm(shop):
    run(LATER)
    deliver(shop.id, [LATER + HOUR], "ignored:platform_error")
    run(LATER + 2 * HOUR)
    run(LATER + 3 * HOUR)

    assert events() == ["shop.silent", "shop.platform_error"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("answer", ["bad_signature", "refused"])
def test_why_nothing_can_be_read_follows_from_what_came_since(shop, answer):
    deliver(shop.id, [LATER - DAY], answer)
    run(LATER)

    assert trouble() == {"blue-lamp": answer}


def test_a_distrusted_clock_raises_none_and_ends_what_is_over(shop, monkeypatch):
    run(LATER)
    deliver(shop.id, [LATER + HOUR])
    deliver(enrolled("Other").id, weeks(NOON))
    deliver(enrolled("Door").id, [LATER], "ignored:platform_error")
    monkeypatch.setattr(clock_check, "problem", lambda *_: clock_check.GAP)

    run(LATER + 2 * HOUR)

    assert events() == ["shop.silent", "shop.alarm_ended"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_clock_that_was_ahead_and_is_set_back_does_not_keep_a_shop_from_being_watched(shop):
    deliver(shop.id, [NOON + 400 * DAY])
    deliver(shop.id, [NOON + HOUR])

    run(LATER)

    assert events() == ["shop.silent"]


def test_two_workers_at_once_raise_it_once(shop):
    start = threading.Barrier(2)

    def watch():
        start.wait()
        with db.transaction() as session:
            alarm.watch(session, LATER)

    threads = [threading.Thread(target=watch) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert events() == ["shop.silent"]
    with db.reading() as session:
        assert len(session.execute(select(transactional_messages.c.id)).all()) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_operator_who_cannot_be_written_to_sees_the_alarm_at_the_desk_all_the_same(
    shop, installation
):
    config.use(replace(installation, alarm_to="privacy@localhost"))

    run(LATER)

    assert events() == ["shop.silent"]
    assert emails(installation, LATER) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_mailed_is_bounded_and_the_alarm_is_raised_all_the_same(shop, monkeypatch):
    monkeypatch.setattr(alarm, "MAX_MAILS_A_DAY", 0)

    run(LATER)

    assert trouble() == {"blue-lamp": "silent"}
    with db.reading() as session:
        assert session.execute(select(transactional_messages.c.id)).all() == []
