"""Check each day that a proven domain still has the shop's line.

A domain can be sold or expire. Three days without the line end the proof, and with it the seal and
the signed statement; both return by themselves when the line is found again.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from trustsvc.shops import directory, domain_proof
from trustsvc.shops.models import shops
from trustsvc.storage import event_log
from trustsvc.work_queue import job_queue

INTERVAL = timedelta(hours=23)  # a late run must not shift the next one through the day
MAX_MISSED = 3
SKEW = timedelta(hours=1)  # tolerates machines whose clocks differ
TIMEOUT_S = 5.0  # for one shop's server: the others wait meanwhile


def recheck_next(
    transaction: Callable[[], AbstractContextManager[Session]], now: Callable[[], datetime]
) -> bool:
    """Check the domain that waited longest; False when none is due.

    It is recorded as checked before the request, so that a server that makes a job hang is not
    requested again and again. No transaction is open during the request. Two concurrent calls check
    two domains.
    """
    with transaction() as session:
        shop = _next(session, now())
    if shop is None:
        return False
    is_proven = domain_proof.is_proven(shop, TIMEOUT_S)
    with transaction() as session:
        record_check(session, shop, now(), is_proven=is_proven)
    return True


def record_check(session: Session, shop: directory.Shop, now: datetime, *, is_proven: bool) -> None:
    """Record a check; ignored when the shop has another domain by now or is closed."""
    ours = and_(shops.c.id == shop.id, shops.c.domain == shop.domain, _watched())
    before = session.execute(select(shops.c.missed_checks, shops.c.proven_at).where(ours)).first()
    if before is None:
        return
    if is_proven and before.proven_at is None:
        domain_proof.record_proof(session, shop, now)
        return
    missed = 0 if is_proven else min(before.missed_checks + 1, MAX_MISSED)
    ends = missed == MAX_MISSED and before.proven_at is not None
    values = {"missed_checks": missed} | ({"proven_at": None} if ends else {})
    session.execute(update(shops).where(ours).values(**values))
    if ends:
        event_log.record(session, "shop.unproven", shop.id, shop.id, now)
        job_queue.enqueue(session, "refresh_badges")


def count_lost_proofs(session: Session) -> int:
    """Count the shops whose proof has ended since their line is gone."""
    query = select(func.count()).select_from(shops).where(_watched(), shops.c.proven_at.is_(None))
    return session.scalar(query) or 0


def _watched() -> ColumnElement[bool]:
    proven = or_(shops.c.proven_at.is_not(None), shops.c.missed_checks >= MAX_MISSED)
    return and_(proven, shops.c.closed_at.is_(None))


def _next(session: Session, now: datetime) -> directory.Shop | None:
    """Take the next due shop; a check dated in the future (wrong clock) is due too."""
    checked = shops.c.domain_checked_at
    due = or_(checked.is_(None), checked <= now - INTERVAL, checked > now + SKEW)
    first = (
        select(shops.c.id)
        .where(_watched(), due)
        .order_by(checked.asc().nulls_first(), shops.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = update(shops).where(shops.c.id == first.scalar_subquery()).values(domain_checked_at=now)
    shop_id = session.scalar(taken.returning(shops.c.id))
    return directory.by_id(session, shop_id) if shop_id else None
