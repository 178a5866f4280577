"""What a purge would remove now, and when the next rows are due; nothing is deleted here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from trustsvc.privacy.retention import maildir
from trustsvc.privacy.retention.tables import PurgeStep, steps
from trustsvc.storage import db

MINUTE = timedelta(minutes=1)
HORIZON = 20 * 366 * 24 * 60  # minutes; no rule of ours waits longer


def planned(now: datetime) -> dict[str, int]:
    """Count by rule what a purge at this moment would delete.

    Orders are counted once their decision log is gone.
    """
    counts = {rule: len(paths) for rule, paths in maildir.due(now).items()}
    with db.reading() as session:
        for step in steps(now):
            number = step.count_due(session)
            counts[step.rule] = counts.get(step.rule, 0) + number
    return {rule: number for rule, number in counts.items() if number}


def upcoming(now: datetime) -> dict[str, datetime]:
    """Say by rule when the next thing is due, to the minute and as things stand.

    Rules with nothing ahead, and rules that an event ends, are missing.
    """
    earliest: dict[str, datetime | None] = dict(maildir.next_at(now))
    # Each search begins with these two moments, and most end there; steps take a while to build.
    ends = {at: steps(at) for at in (now, now + HORIZON * MINUTE)}
    with db.reading() as session:
        for number, step in enumerate(ends[now]):
            at = first_minute(partial(_is_due, session, ends, number), now)
            known = earliest.get(step.rule)
            earliest[step.rule] = min(at, known) if at and known else at or known
    return {rule: at for rule, at in earliest.items() if at}


def first_minute(holds: Callable[[datetime], bool], now: datetime) -> datetime | None:
    """Find the first minute from now on at which a condition holds; None if not in 20 years.

    A binary search: once the condition holds it must keep holding.
    """
    if holds(now):
        return now
    if not holds(now + HORIZON * MINUTE):
        return None
    no, yes = 0, HORIZON
    while yes - no > 1:
        middle = (no + yes) // 2
        if holds(now + middle * MINUTE):
            yes = middle
        else:
            no = middle
    return now + yes * MINUTE


def _is_due(
    session: Session, built: Mapping[datetime, Sequence[PurgeStep]], number: int, at: datetime
) -> bool:
    step = (built.get(at) or steps(at))[number]
    return session.execute(step.due.limit(1)).first() is not None
