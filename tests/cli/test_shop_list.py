"""Tests trustsvc/cli/shop_list.py and trustsvc/cli/connection_text.py."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from tests.orders.webhook_health.sample_days import deliver
from trustsvc import clock
from trustsvc.cli import main
from trustsvc.orders.webhook_health import alarm
from trustsvc.shops import enrol
from trustsvc.storage import db


@pytest.fixture
def shop(installation):
    with db.transaction() as session:
        new = enrol.Enrolment("Blue Lamp", "lamp.example", "woocommerce")
        return enrol.enrol(session, new, clock.now())[0]


def run(*words):
    return CliRunner().invoke(main, ["shop", "list", *words])


def test_a_shop_that_never_delivered(shop):
    assert "last delivery never  last order never  7 days: nothing\n" in run().output
    (row,) = json.loads(run("--json").stdout)
    assert (row["last_delivery"], row["last_order"], row["alarm"]) == (None, None, None)
    assert row["answers_7_days"] == {}


def test_what_the_webhook_brought_is_in_both_lists(shop):
    now = clock.now()
    deliver(shop.id, [now - timedelta(days=1)], count=3)
    deliver(shop.id, [now], "ignored:draft")

    (row,) = json.loads(run("--json").stdout)
    assert row["last_delivery"] == f"{now:%Y-%m-%dT%H:%M:%SZ}"
    assert row["last_order"] == f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    assert row["answers_7_days"] == {"accepted": 3, "ignored:draft": 1}
    output = run().output
    assert f"last order {row['last_order']}  7 days: 3 accepted, 1 ignored:draft" in output
    assert "ALARM" not in output


def test_an_alarm_is_in_both_lists(shop):
    now = clock.now()
    deliver(shop.id, [now - timedelta(hours=1)], "ignored:platform_error")
    with db.transaction() as session:
        alarm.watch(session, now)

    assert json.loads(run("--json").stdout)[0]["alarm"] == "platform_error"
    assert "ALARM platform_error: see trustsvc doctor" in run().output
