"""Queue of privacy requests, answered by the job answer_privacy_requests."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.orm import Session

from trustsvc.backoff import backoff
from trustsvc.errors import TooMany, Unavailable
from trustsvc.orders import idempotency
from trustsvc.orders.received import PrivacyRequestKind, PrivacyRequestReceived, RequestWait
from trustsvc.orders.request_models import privacy_requests
from trustsvc.shops import directory
from trustsvc.work_queue import job_queue

# More is a flood. What a page takes and what a shop's platform passes on are counted apart, and
# each network and each shop for itself: a flood of one turns nobody else away.
MAX_OF_NETWORK = 60  # at one shop
MAX_OF_SHOP = 20_000
MIN_RETRY_DELAY = timedelta(seconds=30)
MAX_RETRY_DELAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """`orders`: ids of the shop's platform. `everywhere`: for all other shops too."""

    kind: PrivacyRequestKind
    shop_id: int
    language: str
    address: str = field(default="", repr=False)
    orders: Collection[str] = field(default=(), repr=False)
    id: int = 0
    attempts: int = 0
    requested_at: datetime | None = None
    network: bytes | None = field(default=None, repr=False)  # keyed hash; None from a platform
    everywhere: bool = False
    waits_since: datetime | None = None  # for the hour's messages


def enqueue(
    session: Session, request: PrivacyRequest, now: datetime, held_until: datetime | None = None
) -> None:
    """Store a request and enqueue its job; due now, or held until somebody looked, or then.

    Takes the same time whether the person is known or not.
    Raises TooMany while too many requests of this network wait, Unavailable while too many of this
    shop do.
    """
    table = privacy_requests.c
    at_shop = table.shop_id == request.shop_id
    if request.network is None:
        if _count(session, MAX_OF_SHOP, at_shop, table.network.is_(None)) >= MAX_OF_SHOP:
            raise Unavailable
    else:
        mine = table.network == request.network
        if _count(session, MAX_OF_NETWORK, at_shop, mine) >= MAX_OF_NETWORK:
            raise TooMany
        if _count(session, MAX_OF_SHOP, at_shop, table.network.is_not(None)) >= MAX_OF_SHOP:
            raise Unavailable
    store(session, request, now, held_until, RequestWait.LOOK if held_until else None)


def _count(session: Session, most: int, *where: ColumnElement[bool]) -> int:
    """Count rows, no further than `most`."""
    rows = select(privacy_requests.c.shop_id).where(*where).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(rows)) or 0


def store(
    session: Session,
    request: PrivacyRequest,
    now: datetime,
    due_at: datetime | None = None,
    waits_for: RequestWait | None = None,
) -> None:
    """Store a request whatever else waits, and enqueue its job; due now, or at a later moment."""
    session.execute(
        privacy_requests.insert().values(
            kind=request.kind,
            shop_id=request.shop_id,
            address=request.address or None,
            orders=json.dumps(list(request.orders)) if request.orders else None,
            language=request.language,
            requested_at=now,
            due_at=due_at or now,
            attempts=0,
            network=request.network,
            everywhere=request.everywhere,
            waits_for=waits_for,
            waits_since=request.waits_since,
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
    """Store a request that a shop's platform passed on; False if it came again."""
    webhook_delivery = (
        idempotency.hash_webhook_delivery(shop.id, received.webhook_delivery_id, body)
        if received.webhook_delivery_id
        else None
    )
    if idempotency.record(session, [webhook_delivery], now) != ["new"]:
        return False
    request = PrivacyRequest(received.kind, shop.id, shop.language, received.email, received.orders)
    enqueue(session, request, now)
    return True


def pop_due(session: Session, now: datetime, most: int) -> list[PrivacyRequest]:
    """Delete and return the oldest due requests; a rollback brings them back.

    The erasure of a shop comes alone: it is a batch of its own.
    """
    rows = _due(session, now, most)
    if len(rows) == most and any(row.waits_since for row in rows):
        # What was put back must not keep away what was never tried.
        old = [row for row in rows if row.waits_since]
        fresh = _due(session, now, most - most // 2, privacy_requests.c.waits_since.is_(None))
        rows = [*fresh, *old[: most - len(fresh)]]
    large = [row.kind == PrivacyRequestKind.ERASE_SHOP for row in rows]
    if True in large:
        rows = rows[: max(large.index(True), 1)]
    if rows:
        ids = [row.id for row in rows]
        session.execute(delete(privacy_requests).where(privacy_requests.c.id.in_(ids)))
    return [
        PrivacyRequest(
            kind=PrivacyRequestKind(row.kind),
            shop_id=row.shop_id,
            language=row.language,
            address=row.address or "",
            orders=tuple(json.loads(row.orders or "[]")),
            id=row.id,
            attempts=row.attempts,
            requested_at=row.requested_at,
            network=row.network,
            everywhere=row.everywhere,
            waits_since=row.waits_since,
        )
        for row in rows
    ]


def _due(
    session: Session, now: datetime, most: int, *where: ColumnElement[bool]
) -> list[Row[tuple[object, ...]]]:
    table = privacy_requests.c
    oldest = select(privacy_requests).where(table.due_at <= now, *where)
    oldest = oldest.order_by(table.requested_at, table.id).limit(most)
    return list(session.execute(oldest.with_for_update(skip_locked=True)).all())


def put_back(session: Session, request: PrivacyRequest, now: datetime, delay: timedelta) -> None:
    """Store a request that was popped once more: the hour's messages are all written.

    It keeps its age, and since when it waits for them, which `doctor` measures.
    """
    assert request.requested_at is not None
    waiting = replace(request, waits_since=request.waits_since or now)
    store(session, waiting, request.requested_at, now + delay, RequestWait.LIMIT)


def is_waiting(session: Session, shop_id: int, requested_at: datetime) -> bool:
    """Say whether the objection of this moment has not been answered yet."""
    table = privacy_requests.c
    mine = select(table.id).where(
        table.shop_id == shop_id,
        table.requested_at == requested_at,
        table.kind == PrivacyRequestKind.OBJECT,
    )
    return session.scalar(mine.limit(1)) is not None


def defer(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Retry a failed request later, so that it does not block the others."""
    delay = backoff(request.attempts, MIN_RETRY_DELAY, MAX_RETRY_DELAY, random=0, jitter=0)
    session.execute(
        update(privacy_requests)
        .where(privacy_requests.c.id == request.id)
        .values(attempts=privacy_requests.c.attempts + 1, due_at=now + delay, waits_for=None)
    )
