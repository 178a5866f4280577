"""Runs jobs/watch_webhooks.py as the scheduler and `trustsvc tick` do."""

from datetime import timedelta

from click.testing import CliRunner
from sqlalchemy import select

from tests.orders.webhook_health.sample_days import deliver, weeks
from trustsvc import cli, clock
from trustsvc.shops import enrol
from trustsvc.storage import db, event_log

DAY = timedelta(days=1)


def kinds():
    with db.reading() as session:
        return list(session.scalars(select(event_log.events.c.kind)))


def test_a_tick_raises_the_alarm_as_if_it_were_that_day_and_ends_it_when_run_again(installation):
    now = clock.now()
    with db.transaction() as session:
        new = enrol.Enrolment("Blue Lamp", "lamp.example", "woocommerce")
        shop, _ = enrol.enrol(session, new, now)
    deliver(shop.id, weeks(now))

    for days in (2, 20, 21):
        moment = f"{now + days * DAY:%Y-%m-%dT%H:%M}Z"
        assert CliRunner().invoke(cli.main, ["tick", "--at", moment]).exit_code == 0
    assert kinds().count("shop.silent") == 1

    deliver(shop.id, [now + timedelta(minutes=1)])
    assert CliRunner().invoke(cli.main, ["tick"]).exit_code == 0
    assert kinds()[-1] == "shop.alarm_ended"
