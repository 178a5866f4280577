"""Check again whether proven domains still carry their shop's line."""

from datetime import timedelta

from trustsvc import clock, clock_check
from trustsvc.shops.domain_recheck import recheck_next
from trustsvc.storage import db

TIME_LIMIT = timedelta(seconds=15)


def recheck_domains() -> None:
    """Check one domain after another for some seconds; the next run goes on from there.

    Not while the clock is distrusted. It could not count the days without the line, and by a wrong
    clock every shop's certificate has expired or is not valid yet.
    """
    started = clock.read()
    with db.reading() as session:
        if clock_check.problem(session, started) in clock_check.STOPS_MAIL:
            return
    while clock.read().uptime - started.uptime < TIME_LIMIT:
        if not recheck_next(db.transaction, clock.now):
            return
