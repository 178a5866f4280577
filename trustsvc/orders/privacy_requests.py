"""Queue of privacy requests, answered by the job answer_privacy_requests."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from trustsvc.backoff import backoff
from trustsvc.errors import Unavailable
from trustsvc.orders import idempotency
from trustsvc.orders.received import PrivacyRequestKind, PrivacyRequestReceived
from trustsvc.orders.request_models import privacy_requests
from trustsvc.shops import directory
from trustsvc.work_queue import job_queue

MAX_WAITING = 1000  # more is a flood: the caller must try again later
MIN_RETRY_DELAY = timedelta(seconds=30)
MAX_RETRY_DELAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """`orders`: ids of the shop's platform."""

    kind: PrivacyRequestKind
    shop_id: int
    language: str
    address: str = field(default="", repr=False)
    orders: Collection[str] = field(default=(), repr=False)
    id: int = 0
    attempts: int = 0
    requested_at: datetime | None = None


def enqueue(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Store a request and enqueue its job. Takes the same time whether the person is known or not.

    Raises Unavailable while too many requests wait.
    """
    waiting = session.scalar(select(func.count()).select_from(privacy_requests)) or 0
    if waiting >= MAX_WAITING:
        raise Unavailable
    store(session, request, now)


def store(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Store a request whatever else waits, and enqueue its job."""
    session.execute(
        privacy_requests.insert().values(
            kind=request.kind,
            shop_id=request.shop_id,
            address=request.address or None,
            orders=json.dumps(list(request.orders)) if request.orders else None,
            language=request.language,
            requested_at=now,
            due_at=now,
            attempts=0,
        )
    )
    job_queue.enqueue(session, "answer_privacy_requests")


def accept_from_platform(
    session: Session,
    shop: directory.Shop,
    received: PrivacyRequestReceived,
    body: bytes,
    now: datetime,
) -> bool:
    """Store a request that a shop's platform passed on; False for a repeated delivery."""
    delivery = (
        idempotency.hash_delivery(shop.id, received.delivery_id, body)
        if received.delivery_id
        else None
    )
    if idempotency.record(session, [delivery], now) != ["new"]:
        return False
    request = PrivacyRequest(received.kind, shop.id, shop.language, received.email, received.orders)
    enqueue(session, request, now)
    return True


def pop_due(session: Session, now: datetime) -> PrivacyRequest | None:
    """Delete and return the oldest due request; a rollback brings it back."""
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
        kind=PrivacyRequestKind(row.kind),
        shop_id=row.shop_id,
        language=row.language,
        address=row.address or "",
        orders=tuple(json.loads(row.orders or "[]")),
        id=row.id,
        attempts=row.attempts,
        requested_at=row.requested_at,
    )


def defer(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Retry a failed request later, so that it does not block the others."""
    delay = backoff(request.attempts, MIN_RETRY_DELAY, MAX_RETRY_DELAY, random=0, jitter=0)
    session.execute(
        update(privacy_requests)
        .where(privacy_requests.c.id == request.id)
        .values(attempts=privacy_requests.c.attempts + 1, due_at=now + delay)
    )
