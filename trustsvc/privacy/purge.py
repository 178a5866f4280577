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
from trustsvc.correspondence.models import correspondence
from trustsvc.invitations.models import invitations, letters
from trustsvc.orders import buyer
from trustsvc.orders import ledger as telling
from trustsvc.orders.models import asks, deliveries, ledger, orders
from trustsvc.outbox import outbox
from trustsvc.privacy import due, maildir
from trustsvc.privacy.models import me_links, requests
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
    due: Select[Any]
    key: ColumnElement[Any]
    let_go: Callable[[Session, Sequence[Any], datetime], int]


def purge(now: datetime) -> dict[str, int]:
    """Delete everything that is due; gives how many a rule.

    Opens its own transactions, one a bite, because one for all would keep every door waiting. At
    the end no trace of a deleted row is left in the write-ahead log or in a freed page.
    """
    gone: dict[str, int] = {}
    for part in _parts(now):
        for _ in range(MOST_BITES):
            done = _bite(part, now)
            gone[part.rule] = gone.get(part.rule, 0) + done
            if not done:
                break
    thrown = len(maildir.purge(now))
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
        _Part("invited buyer", due.unpaid(shops, now), orders.c.id, _settle_unpaid),
        _Part("invited buyer", due.invited(now), orders.c.id, _forget_buyers),
        _Part("cap period", due.marked(shops, now), orders.c.id, _forget_marks),
        _Part("review", due.rejected(now), reviews.c.id, _empty),
        _plain("ledger", due.told(now), ledger, ledger.c.id),
        _Part("ledger", due.stripped(now), orders.c.id, _delete_orders),
        _plain("delivery id", due.delivered(now), deliveries, delivery),
        _plain("correspondence", due.answered(now), correspondence, correspondence.c.id),
        _plain("correspondence", due.asked(now), asks, asks.c.id),
        _plain("correspondence", due.linked(now), me_links, me_links.c.link),
        _plain("register of requests", due.registered(now), requests, requests.c.id),
        _plain("outbox", due.happened(now), outbox, outbox.c.id),
        _plain("staff session", due.links(now), staff_links, staff_links.c.link),
        _plain("staff session", due.sessions(now), staff_sessions, staff_sessions.c.session),
    ]


def _plain(rule: str, due: Select[Any], table: Table, key: ColumnElement[Any]) -> _Part:
    """Make the part of a table whose rows are simply deleted."""

    def let_go(session: Session, keys: Sequence[Any], _now: datetime) -> int:
        return _count(session.execute(delete(table).where(key.in_(keys))))

    return _Part(rule, due, key, let_go)


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
    session.execute(delete(letters).where(letters.c.invitation_id.in_(theirs)))
    session.execute(delete(invitations).where(invitations.c.order_id.in_(ids)))
    return _count(session.execute(delete(orders).where(orders.c.id.in_(ids))))


def _count(result: Any) -> int:
    return int(result.rowcount)
