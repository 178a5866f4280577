"""Look again whether proven domains still carry their shop's line."""

from datetime import timedelta

from trustsvc import clock, db, pace
from trustsvc.shops.recheck import look_again

LONGEST = timedelta(seconds=15)


def look_at_domains() -> None:
    """Look at one after the other for some seconds; the next tick goes on where this one ended.

    Not while the clock is doubted: the days without a line would not be days.
    """
    started = clock.read()
    with db.reading() as session:
        if pace.doubt(session, started) in pace.HOLDS:
            return
    while clock.read().steady - started.steady < LONGEST:
        if not look_again(db.transaction, clock.now):
            return
