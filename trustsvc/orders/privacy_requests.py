"""What was asked about personal data and waits for the job that does it."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from trustsvc.backoff import backoff
from trustsvc.errors import Unavailable
from trustsvc.orders import idempotency
from trustsvc.orders.models import privacy_requests
from trustsvc.orders.received import PrivacyRequestReceived
from trustsvc.shops import directory
from trustsvc.work_queue import job_queue

EVERY_SHOP = 0
MAX_WAITING = 1000  # more than this is a flood: whoever asks is told to come back
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """One question; `orders` are ids of the shop's platform, `kind` is one of the table's."""

    kind: str
    shop_id: int
    language: str
    address: str = field(default="", repr=False)
    orders: Collection[str] = field(default=(), repr=False)
    id: int = 0
    attempts: int = 0
    requested_at: datetime | None = None


def enqueue(session: Session, ask: PrivacyRequest, now: datetime) -> None:
    """Write a question down; answer_privacy_requests is rung. As much work whoever it is about.

    Raises Unavailable while too many wait.
    """
    waiting = session.scalar(select(func.count()).select_from(privacy_requests)) or 0
    if waiting >= MAX_WAITING:
        raise Unavailable
    session.execute(
        privacy_requests.insert().values(
            kind=ask.kind,
            shop_id=ask.shop_id,
            address=ask.address or None,
            orders=json.dumps(list(ask.orders)) if ask.orders else None,
            language=ask.language,
            requested_at=now,
            due_at=now,
            attempts=0,
        )
    )
    job_queue.enqueue(session, "answer_privacy_requests")


def accept_from_platform(
    session: Session, shop: directory.Shop, said: PrivacyRequestReceived, body: bytes, now: datetime
) -> bool:
    """Write down what a shop's platform passed on; False for a delivery that came before."""
    came = idempotency.hash_delivery(shop.id, said.delivery_id, body) if said.delivery_id else None
    if idempotency.record(session, [came], now) != ["new"]:
        return False
    enqueue(
        session, PrivacyRequest(said.kind, shop.id, shop.language, said.email, said.orders), now
    )
    return True


def pop_due(session: Session, now: datetime) -> PrivacyRequest | None:
    """Take the oldest question that is due, locked until this transaction ends; it is deleted."""
    table = privacy_requests.c
    row = session.execute(
        select(privacy_requests)
        .where(table.due_at <= now)
        .order_by(table.due_at, table.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    session.execute(delete(privacy_requests).where(table.id == row.id))
    return PrivacyRequest(
        kind=row.kind,
        shop_id=row.shop_id,
        language=row.language,
        address=row.address or "",
        orders=tuple(json.loads(row.orders or "[]")),
        id=row.id,
        attempts=row.attempts,
        requested_at=row.requested_at,
    )


def defer(session: Session, ask: PrivacyRequest, now: datetime) -> None:
    """Try one that failed again later, so that it does not hold up the others."""
    later = backoff(ask.attempts, FIRST_WAIT, LONGEST_WAIT, random=0, jitter=0)
    session.execute(
        update(privacy_requests)
        .where(privacy_requests.c.id == ask.id)
        .values(attempts=privacy_requests.c.attempts + 1, due_at=now + later)
    )
