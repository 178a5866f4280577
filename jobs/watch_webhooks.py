"""Notice shops that fell silent, or whose platform sends errors instead of orders."""

from trustsvc import clock, clock_check
from trustsvc.orders.webhook_health import alarm
from trustsvc.storage import db


def watch_webhooks() -> None:
    """Raise new alarms and end those that are over; twice does no harm.

    While the clock is distrusted none is raised: after a jump, or an outage of more than 26 hours,
    every shop would look silent.
    """
    with db.transaction() as session:
        is_distrusted = clock_check.problem(session, clock.read()) is not None
        alarm.watch(session, clock.now(), may_raise=not is_distrusted)
