"""Let go of what is over, by the rules of privacy/retention/rules.py.

In small bites: what is due is looked up while reading, so that nobody waits, and each bite of at
most 1000 rows is looked at again and deleted in a transaction of its own, with its signed receipt.
Twice, at once, or killed midway does no harm: the next run finds what is left.
"""

from datetime import datetime
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.privacy.receipts import Receipt, write
from trustsvc.privacy.retention import maildir, preview, purge_guard
from trustsvc.privacy.retention.rules import RULES
from trustsvc.privacy.retention.tables import PurgeStep, steps
from trustsvc.storage import db, vacuum

logger = log.get_logger("purge")
BATCH_SIZE = 1000
MAX_BATCHES = 200  # a run and rule: what is left waits an hour
NIGHT = 3  # UTC: when a large database is rebuilt, for which writers have to wait


def purge(now: datetime, *, doubted: bool = False) -> dict[str, int]:
    """Delete everything that is due; gives how many a rule.

    Opens its own transactions, one a bite, because one for all would keep every door waiting. At
    the end no trace of a deleted row is left in the write-ahead log or in a freed page. While the
    clock is doubted, tables that would lose too much are left alone and reported (guard.py), and of
    the others goes what is over by the machine's own count: a clock set ahead makes nothing old.
    """
    gone: dict[str, int] = {}
    waiting = held(now) if doubted else {}
    if waiting:
        with db.transaction() as session:
            purge_guard.report(session, waiting.values(), now)
    now = purge_guard.trusted_now(now) if doubted else now
    for part in steps(now):
        if part.table.name in waiting:
            continue
        for _ in range(MAX_BATCHES):
            done = _bite(part, now)
            gone[part.rule] = gone.get(part.rule, 0) + done
            if not done:
                break
    thrown = {} if maildir.RULE in waiting else maildir.purge(now)
    for rule, number in thrown.items():
        with db.transaction() as session:
            write(session, Receipt(now, rule, number, maildir.cutoff(rule, now)))
        gone[rule] = gone.get(rule, 0) + number
    is_clean = vacuum.rebuild() if vacuum.is_small() or now.hour == NIGHT else vacuum.scrub()
    if not is_clean:
        logger.warning("traces of what was deleted wait for the next purge")
    return {rule: number for rule, number in gone.items() if number}


def planned(now: datetime) -> dict[str, int]:
    """Count what a purge at this moment would delete, a rule; orders go after their last line."""
    counts = {rule: len(paths) for rule, paths in maildir.due(now).items()}
    with db.reading() as session:
        for part in steps(now):
            number = session.scalar(select(func.count()).select_from(part.due.subquery())) or 0
            counts[part.rule] = counts.get(part.rule, 0) + number
    return {rule: number for rule, number in counts.items() if number}


def held(now: datetime) -> dict[str, purge_guard.PurgeShare]:
    """Say what a purge at this moment would not take by itself if the clock were doubted."""
    total = maildir.count()
    shares = [
        purge_guard.PurgeShare(rule, maildir.RULE, len(paths), total)
        for rule, paths in maildir.due(now).items()
    ]
    with db.reading() as session:
        for part in steps(now):
            number = session.scalar(select(func.count()).select_from(part.due.subquery())) or 0
            total = session.scalar(select(func.count()).select_from(part.table)) or 0
            shares.append(purge_guard.PurgeShare(part.rule, part.table.name, number, total))
    return purge_guard.exceeding(shares)


def upcoming(now: datetime) -> dict[str, datetime]:
    """Say when the next thing goes, a rule, to the minute and as things stand.

    Missing are rules with nothing ahead, and those that an event ends.
    """
    found: dict[str, datetime | None] = dict(maildir.next_at(now))
    with db.reading() as session:
        for number, part in enumerate(steps(now)):
            at = preview.first(partial(_is_due, session, number), now)
            known = found.get(part.rule)
            found[part.rule] = min(at, known) if at and known else at or known
    return {rule: at for rule, at in found.items() if at}


def _is_due(session: Session, number: int, at: datetime) -> bool:
    return session.execute(steps(at)[number].due.limit(1)).first() is not None


def _bite(part: PurgeStep, now: datetime) -> int:
    with db.reading() as session:
        found = [tuple(row) for row in session.execute(part.due.limit(BATCH_SIZE))]
    if not found:
        return 0
    keys = found if len(found[0]) > 1 else [row[0] for row in found]
    with db.transaction() as session:
        rows = [tuple(row) for row in session.execute(part.due.where(part.key.in_(keys)))]
        still = rows if rows and len(rows[0]) > 1 else [row[0] for row in rows]
        done = part.let_go(session, still, now) if still else 0
        if done:
            before = part.before or RULES[part.rule].cutoff(now)
            write(session, Receipt(now, part.rule, done, before))
    return done
