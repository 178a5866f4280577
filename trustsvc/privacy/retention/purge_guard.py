"""Have large purges wait while the machine's clock is distrusted.

A purge goes by the clock alone, so a clock that jumped would delete everything. A table that would
lose more than 1000 rows and more than 5 % of its rows waits. It is purged when the clock is right
or has proven right (clock_check.py), or when the operator confirms (`trustsvc purge --confirm`).
Smaller purges go on as of the machine's own count of time, so that a small database is not emptied
either.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import clock, clock_check, log
from trustsvc.privacy import clock_watch
from trustsvc.privacy.retention import maildir
from trustsvc.privacy.retention.tables import steps
from trustsvc.storage import db, event_log

MAX_ROWS = 1000
MAX_SHARE = 0.05
REPORT_EVERY = timedelta(hours=24)

logger = log.get_logger("purge")


@dataclass(frozen=True, slots=True)
class PurgeShare:
    """How many rows of a table, or files of a folder, a rule would delete, out of how many."""

    rule: str
    place: str
    due: int
    total: int


def clock_problem() -> str | None:
    """Say why the clock is distrusted, as a code; None if it is not, and in `trustsvc tick`."""
    with db.reading() as session:
        return clock_check.problem(session, clock.read(), clock_watch.newest_row_at(session))


def trusted_now(now: datetime) -> datetime:
    """Give the moment up to which rows may be due: never later than the clock says."""
    with db.reading() as session:
        return min(now, clock_check.purge_until(session, clock.read()))


def waiting(now: datetime) -> dict[str, PurgeShare]:
    """List by table what a purge at this moment leaves alone while the clock is distrusted."""
    total = maildir.count()
    shares = [
        PurgeShare(rule, maildir.RULE, len(paths), total)
        for rule, paths in maildir.due(now).items()
    ]
    with db.reading() as session:
        for step in steps(now):
            number = step.count_due(session)
            total = session.scalar(select(func.count()).select_from(step.table)) or 0
            shares.append(PurgeShare(step.rule, step.table.name, number, total))
    return exceeding(shares)


def exceeding(shares: Iterable[PurgeShare]) -> dict[str, PurgeShare]:
    """Pick the places that would lose too much, summed over all rules."""
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


def report(session: Session, shares: Collection[PurgeShare], now: datetime) -> None:
    """Report what waits: in the log at each run, in the event log once a day."""
    for one in shares:
        logger.error("purge.waiting", what=one.place, number=one.due)
    since = select(func.count()).where(
        event_log.events.c.kind == clock_watch.PURGE_WAITING,
        event_log.events.c.at > now - REPORT_EVERY,
    )
    if not session.scalar(since):
        number = sum(one.due for one in shares)
        event_log.record(session, clock_watch.PURGE_WAITING, 0, number, now)
