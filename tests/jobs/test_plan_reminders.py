from datetime import timedelta

import pytest

from jobs.plan_reminders import plan_reminders
from tests.invitations.sample_orders import NOON, invited, message_of, quiet, sent, shop
from trustsvc import clock

pytestmark = pytest.mark.both_databases


def test_reminders_whose_day_has_come_are_planned_once(installation):
    order_id = invited(shop(reminder_days=5))
    sent()

    with clock.at(NOON + timedelta(days=5, minutes=1)), quiet():
        plan_reminders()
        plan_reminders()

    assert message_of(order_id, "reminder").state == "due"
