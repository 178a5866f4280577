"""Check again whether proven domains still carry their shop's line."""

from datetime import timedelta

from trustsvc import clock
from trustsvc.shops.domain_recheck import recheck_next
from trustsvc.storage import db

TIME_LIMIT = timedelta(seconds=15)


def recheck_domains() -> None:
    """Check one domain after another for some seconds; the next run goes on from there."""
    started = clock.read().uptime
    while clock.read().uptime - started < TIME_LIMIT:
        if not recheck_next(db.transaction, clock.now):
            return
