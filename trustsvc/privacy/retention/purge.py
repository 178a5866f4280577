"""Delete what is past its retention, by the rules in rules.py.

Due rows are found while reading, so that nobody waits. They are deleted in batches of at most 1000
rows. Each batch is checked again and deleted in its own transaction, with its signed receipt. Two
runs at once, or one killed midway, do no harm: the next run finds what is left.
"""

import contextlib
from datetime import datetime

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from trustsvc import log
from trustsvc.privacy import receipts
from trustsvc.privacy.retention import maildir, purge_guard
from trustsvc.privacy.retention.tables import PurgeStep, steps
from trustsvc.storage import db, partitioning, partitions, vacuum

logger = log.get_logger("purge")
BATCH_SIZE = 1000
MAX_BATCHES = 200  # per run and rule; the rest waits an hour
NIGHT = 3  # UTC: when large tables are rewritten, which blocks writers


def purge_due(
    now: datetime, *, clock_distrusted: bool = False, thorough: bool = False
) -> dict[str, int]:
    """Delete everything that is due; gives the number per rule.

    Opens its own transactions, one a batch: one for all would block every request. Ends by removing
    traces of deleted rows from the write-ahead log and from pages, of large tables only at night or
    when `thorough`. While the clock is distrusted, tables that would lose too much are left alone
    and reported (purge_guard.py). The others are purged by the machine's own count of time, so a
    clock that was set forward makes nothing old.
    """
    gone: dict[str, int] = {}
    waiting = purge_guard.waiting(now) if clock_distrusted else {}
    if waiting:
        with db.transaction() as session:
            purge_guard.report(session, waiting.values(), now)
    now = purge_guard.trusted_now(now) if clock_distrusted else now
    _prepare_months(now)
    for step in steps(now):
        if step.table.name in waiting:
            continue
        gone[step.rule] = gone.get(step.rule, 0) + _drop_months(step, now)
        for _ in range(MAX_BATCHES):
            done = _purge_batch(step, now)
            gone[step.rule] = gone.get(step.rule, 0) + done
            if not done:
                break
    files = {} if maildir.RULE in waiting else maildir.purge(now)
    for rule, number in files.items():
        with db.transaction() as session:
            receipts.write(session, receipts.Receipt(now, rule, number, maildir.cutoff(rule, now)))
        gone[rule] = gone.get(rule, 0) + number
    if not vacuum.rebuild(with_large=thorough or now.hour == NIGHT):
        logger.warning("purge.scrub_deferred")
    return {rule: number for rule, number in gone.items() if number}


def _prepare_months(now: datetime) -> None:
    """Make months ahead; a failure stops no retention, and there are two months to repeat it."""
    try:
        partitioning.drop_leftovers()
        partitions.make_ahead(now)
    except SQLAlchemyError as problem:
        logger.warning("purge.months_not_made", error=type(problem).__name__)


def _drop_months(step: PurgeStep, now: datetime) -> int:
    """Drop the months of a partitioned table that are past as a whole, each for itself.

    What is in use is left: its rows go one by one, and the rest an hour later.
    """
    table, gone = step.table.name, 0
    if not partitions.is_partitioned(table):
        return 0
    for name in partitions.past_parts(table, step.cutoff):
        with contextlib.suppress(OperationalError):
            gone += _drop_month(step, name, now)
    return gone


def _drop_month(step: PurgeStep, name: str, now: datetime) -> int:
    with db.transaction() as session:
        done = partitions.drop_part(session, step.table.name, name)
        if done:
            receipts.write(session, receipts.Receipt(now, step.rule, done, step.cutoff))
    return done


def _purge_batch(step: PurgeStep, now: datetime) -> int:
    with db.reading() as session:
        due = [tuple(row) for row in session.execute(step.due.limit(BATCH_SIZE))]
    if not due:
        return 0
    keys = due if len(due[0]) > 1 else [row[0] for row in due]
    with db.transaction() as session:
        rows = [tuple(row) for row in session.execute(step.due.where(step.key.in_(keys)))]
        still_due = rows if rows and len(rows[0]) > 1 else [row[0] for row in rows]
        done = step.remove(session, still_due, now) if still_due else 0
        if done:
            receipts.write(session, receipts.Receipt(now, step.rule, done, step.cutoff))
    return done
