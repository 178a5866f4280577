"""Fetch orders whose webhooks did not arrive, from shops that gave API credentials."""

from datetime import timedelta

from trustsvc import clock
from trustsvc.orders.catch_up.run import CatchUpRun, catch_up_next
from trustsvc.storage import db

TIME_LIMIT = timedelta(seconds=15)


def catch_up() -> None:
    """Ask one shop's API after another for some seconds; the next run goes on from there."""
    started = clock.read().uptime
    run = CatchUpRun(db.transaction, clock.now, lambda: clock.read().uptime - started < TIME_LIMIT)
    while run.has_time() and catch_up_next(run):
        pass
