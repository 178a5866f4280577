"""Let go of what is over, by the rules of privacy/retention.py.

In small bites: what is due is looked up while reading, so that nobody waits, and each bite of at
most 1000 rows is looked at again and deleted in a transaction of its own, with its signed receipt.
Twice, at once, or killed midway does no harm: the next run finds what is left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from trustsvc import db
from trustsvc.invitations.models import invitations, letters, mail_domains, mail_reports
from trustsvc.orders import buyer
from trustsvc.orders import ledger as telling
from trustsvc.orders.models import deliveries, ledger, orders
from trustsvc.outbox import outbox
from trustsvc.privacy import due, guard, maildir
from trustsvc.privacy.receipts import Receipt, write
from trustsvc.privacy.retention import RULES
from trustsvc.reviews.models import reviews
from trustsvc.shops import find
from trustsvc.staff.models import staff_links, staff_sessions

BITE = 1000
MOST_BITES = 200  # a run and rule: what is left waits an hour


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the purge: by which rule, which rows, and how they go."""

    rule: str
    table: Table
    due: Select[Any]
    key: ColumnElement[Any]
    let_go: Callable[[Session, Sequence[Any], datetime], int]


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
            guard.report(session, waiting.values(), now)
    now = guard.believed(now) if doubted else now
    for part in _parts(now):
        if part.table.name in waiting:
            continue
        for _ in range(MOST_BITES):
            done = _bite(part, now)
            gone[part.rule] = gone.get(part.rule, 0) + done
            if not done:
                break
    thrown = 0 if maildir.RULE in waiting else len(maildir.purge(now))
    if thrown:
        rule = RULES[maildir.RULE]
        with db.transaction() as session:
            write(session, Receipt(now, rule.code, thrown, rule.before(now)))
        gone[rule.code] = thrown
    db.scrub()
    return {rule: number for rule, number in gone.items() if number}


def planned(now: datetime) -> dict[str, int]:
    """Count what a purge at this moment would delete, a rule; orders go after their last line."""
    counts: dict[str, int] = {maildir.RULE: len(maildir.due(now))}
    with db.reading() as session:
        for part in _parts(now):
            number = session.scalar(select(func.count()).select_from(part.due.subquery())) or 0
            counts[part.rule] = counts.get(part.rule, 0) + number
    return {rule: number for rule, number in counts.items() if number}


def held(now: datetime) -> dict[str, guard.Share]:
    """Say what a purge at this moment would not take by itself if the clock were doubted."""
    files = maildir.due(now)
    shares = [guard.Share(maildir.RULE, maildir.RULE, len(files), maildir.count())]
    with db.reading() as session:
        for part in _parts(now):
            number = session.scalar(select(func.count()).select_from(part.due.subquery())) or 0
            total = session.scalar(select(func.count()).select_from(part.table)) or 0
            shares.append(guard.Share(part.rule, part.table.name, number, total))
    return guard.held(shares)


def _bite(part: _Part, now: datetime) -> int:
    with db.reading() as session:
        found = [tuple(row) for row in session.execute(part.due.limit(BITE))]
    if not found:
        return 0
    keys = found if len(found[0]) > 1 else [row[0] for row in found]
    with db.transaction() as session:
        rows = [tuple(row) for row in session.execute(part.due.where(part.key.in_(keys)))]
        still = rows if rows and len(rows[0]) > 1 else [row[0] for row in rows]
        done = part.let_go(session, still, now) if still else 0
        if done:
            write(session, Receipt(now, part.rule, done, RULES[part.rule].before(now)))
    return done


def _parts(now: datetime) -> list[_Part]:
    with db.reading() as session:
        shops = find.everyone(session)
    delivery = tuple_(deliveries.c.shop_id, deliveries.c.mark)
    return [
        _Part("invited buyer", orders, due.unpaid(shops, now), orders.c.id, _settle_unpaid),
        _Part("invited buyer", orders, due.invited(now), orders.c.id, _forget_buyers),
        _Part("cap period", orders, due.marked(shops, now), orders.c.id, _forget_marks),
        _Part("review", reviews, due.rejected(now), reviews.c.id, _empty),
        _plain("ledger", due.told(now), ledger, ledger.c.id),
        _Part("ledger", orders, due.stripped(now), orders.c.id, _delete_orders),
        _plain("delivery id", due.delivered(now), deliveries, delivery),
        _plain("mail pace", due.paced(now), mail_domains, mail_domains.c.mark),
        _plain("outbox", due.happened(now), outbox, outbox.c.id),
        _plain("staff session", due.links(now), staff_links, staff_links.c.link),
        _plain("staff session", due.sessions(now), staff_sessions, staff_sessions.c.session),
    ]


def _plain(rule: str, due: Select[Any], table: Table, key: ColumnElement[Any]) -> _Part:
    """Make the part of a table whose rows are simply deleted."""

    def let_go(session: Session, keys: Sequence[Any], _now: datetime) -> int:
        return _count(session.execute(delete(table).where(key.in_(keys))))

    return _Part(rule, table, due, key, let_go)


def _settle_unpaid(session: Session, ids: Sequence[int], now: datetime) -> int:
    """A payment that comes later finds a settled order and changes nothing."""
    still_waiting = (
        update(orders)
        .where(orders.c.id.in_(ids), orders.c.state == "waiting")
        .values(state="settled", buyer=None)
        .returning(orders.c.id)
    )
    settled = session.scalars(still_waiting).all()
    line = telling.Line(0, "purge", "never_paid", "forgotten", now)
    telling.write(session, [replace(line, order_id=order_id) for order_id in settled])
    return buyer.forget(session, settled)


def _forget_buyers(session: Session, ids: Sequence[int], _now: datetime) -> int:
    return buyer.forget(session, ids)


def _forget_marks(session: Session, ids: Sequence[int], _now: datetime) -> int:
    return _count(session.execute(update(orders).where(orders.c.id.in_(ids)).values(buyer=None)))


def _empty(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Empty rejected reviews; that there was one, and why it was rejected, stays for the counts."""
    nothing = {"title": "", "text": "", "name": "", "city": ""}
    nobody = {"email": None, "reference": None, "buyer": None}
    emptied = (
        update(reviews).where(reviews.c.id.in_(ids)).values(**nothing, **nobody, emptied_at=now)
    )
    return _count(session.execute(emptied))


def _delete_orders(session: Session, ids: Sequence[int], _now: datetime) -> int:
    """Delete orders with their invitations and letters; what is left of a review stands alone."""
    theirs = select(invitations.c.id).where(invitations.c.order_id.in_(ids))
    session.execute(
        update(reviews).where(reviews.c.invitation_id.in_(theirs)).values(invitation_id=None)
    )
    of_letter = select(letters.c.id).where(letters.c.invitation_id.in_(theirs))
    session.execute(delete(mail_reports).where(mail_reports.c.letter_id.in_(of_letter)))
    session.execute(delete(letters).where(letters.c.invitation_id.in_(theirs)))
    session.execute(delete(invitations).where(invitations.c.order_id.in_(ids)))
    return _count(session.execute(delete(orders).where(orders.c.id.in_(ids))))


def _count(result: Any) -> int:
    return int(result.rowcount)
