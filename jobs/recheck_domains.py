"""Look again whether proven domains still carry their shop's line."""

from datetime import timedelta

from trustsvc import clock, clock_check
from trustsvc.shops.domain_recheck import recheck_next
from trustsvc.storage import db

LONGEST = timedelta(seconds=15)


def recheck_domains() -> None:
    """Look at one after the other for some seconds; the next tick goes on where this one ended.

    Not while the clock is doubted: the days without a line would not be days.
    """
    started = clock.read()
    with db.reading() as session:
        if clock_check.problem(session, started) in clock_check.STOPS_MAIL:
            return
    while clock.read().uptime - started.uptime < LONGEST:
        if not recheck_next(db.transaction, clock.now):
            return
