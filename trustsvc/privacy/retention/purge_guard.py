"""What a purge may not take by itself while the clock is doubted.

A purge goes by the clock alone, so a clock that jumped would empty the house. Then whatever would
lose more than 5 % of its rows and more than 1000 of them waits until the clock is right, has proven
right (clock_check.py), or an operator says so (`trustsvc purge --confirm`). What is less goes on, by the
machine's own count: a small house is not emptied either.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import clock, clock_check, log
from trustsvc.privacy import clock_watch
from trustsvc.storage import db, event_log

MAX_ROWS = 1000
MAX_SHARE = 0.05
REPORT_EVERY = timedelta(hours=24)

logger = log.get_logger("purge")


@dataclass(frozen=True, slots=True)
class PurgeShare:
    """How many rows of a table, or files of a folder, a rule would take, out of how many."""

    rule: str
    place: str
    due: int
    total: int


def clock_problem() -> str | None:
    """Say why the clock is doubted now, as a code; None when it is not, or in `trustsvc tick`."""
    with db.reading() as session:
        return clock_check.problem(session, clock.read(), clock_watch.newest_row_at(session))


def trusted_now(now: datetime) -> datetime:
    """Say the moment up to which things may be over: never later than the clock says."""
    with db.reading() as session:
        return min(now, clock_check.believed(session, clock.read()))


def exceeding(shares: Iterable[PurgeShare]) -> dict[str, PurgeShare]:
    """Say which places would lose too much, by their name, over all rules together. Pure."""
    of: dict[str, list[PurgeShare]] = defaultdict(list)
    for share in shares:
        of[share.place].append(share)
    sums = {
        place: PurgeShare(some[0].rule, place, sum(x.due for x in some), some[0].total)
        for place, some in of.items()
    }
    return {
        place: one
        for place, one in sums.items()
        if one.due > MAX_ROWS and one.due > MAX_SHARE * one.total
    }


def report(session: Session, waiting: Collection[PurgeShare], now: datetime) -> None:
    """Say in the log, at each run, and in the outbox, once a day, that something waits."""
    for one in waiting:
        logger.error("purge waits: did the clock jump?", what=one.place, number=one.due)
    since = select(func.count()).where(
        event_log.events.c.kind == clock_watch.PURGE_HELD,
        event_log.events.c.at > now - REPORT_EVERY,
    )
    if not session.scalar(since):
        number = sum(one.due for one in waiting)
        event_log.record(session, clock_watch.PURGE_HELD, 0, number, now)
