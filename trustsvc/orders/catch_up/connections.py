"""API credentials of shops: hold them, lease them to one runner, remember how far it came."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from trustsvc.backoff import backoff
from trustsvc.errors import NotFound, Refused
from trustsvc.orders.catch_up.models import api_connections
from trustsvc.orders.catch_up.paging import ApiFailed
from trustsvc.orders.catch_up.platforms import APIS
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials
from trustsvc.orders.catch_up.status import WebhookStatus
from trustsvc.shops import directory
from trustsvc.shops.models import shops
from trustsvc.storage import db

INTERVAL = timedelta(minutes=10)
CONNECTION_LEASE = timedelta(
    minutes=5
)  # renewed with each page; a killed runner blocks its shop so long
FIRST_RETRY, LAST_RETRY = timedelta(minutes=5), timedelta(hours=6)
UNITS = {  # of a shop's delay; n weekdays are n days at least
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weekdays": timedelta(days=1),
}
MAX_RETRY_AFTER = timedelta(hours=24)  # however long an answer asks us to wait

_random = secrets.SystemRandom()
_table = api_connections.c


@dataclass(frozen=True, slots=True, repr=False)
class ApiLease:
    """A runner's right to ask one shop's API; its token fences off a runner that came too late."""

    shop: directory.Shop
    credentials: ApiCredentials
    seen_until: datetime
    token: bytes


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended. `is_complete` is False where its time was over before the last page."""

    is_complete: bool
    failure: ApiFailed | None = None
    webhook_status: WebhookStatus | None = None


def connect(
    session: Session, shop: directory.Shop, credentials: ApiCredentials, now: datetime
) -> None:
    """Hold a shop's credentials. Other ones replace them, and go on where those ended.

    The first run begins with the shop's enrolment, as its webhooks did, and no earlier than its
    limit for old orders. Raises Refused for a shop that is closed.
    """
    if shop.closed_at is not None:
        raise Refused("The shop is closed.")
    new = {
        "base_url": credentials.base_url,
        "api_key": credentials.key,
        "api_secret": credentials.secret,
        "connected_at": now,
        "due_at": now,
        "lease": None,
        "leased_until": None,
        "attempts": 0,
        "failing_since": None,
        "problem": None,
        "webhook_status": WebhookStatus.UNKNOWN,
    }
    begin = max(shop.created_at, now - timedelta(days=shop.max_age_days))
    row = db.insert(api_connections).values(shop_id=shop.id, seen_until=begin, **new)
    session.execute(row.on_conflict_do_update(index_elements=["shop_id"], set_=new))


def skip_possibly_asked(session: Session, now: datetime) -> None:
    """After a restore, begin behind the orders that may have been asked about since the backup.

    Twice is worse than never. An order whose delay is not over yet has not been asked about, so it
    is fetched again.
    """
    every = session.scalars(select(_table.shop_id)).all()
    for shop in directory.by_ids(session, every).values():
        begin = now - shop.delay * UNITS[shop.delay_unit] + APIS[shop.platform].OVERLAP
        ours = update(api_connections).where(_table.shop_id == shop.id)
        session.execute(ours.values(lease=None, leased_until=None, due_at=now))
        session.execute(ours.where(_table.seen_until < begin).values(seen_until=begin))


def disconnect(session: Session, shop_id: int) -> None:
    """Delete a shop's credentials; raises NotFound where there are none."""
    if not forget(session, shop_id):
        raise NotFound("This shop has no API credentials here.")


def forget(session: Session, shop_id: int) -> bool:
    """Delete a shop's credentials, if there are any; a run that is going on stops at its page."""
    return bool(
        db.row_count(session.execute(delete(api_connections).where(_table.shop_id == shop_id)))
    )


def lease_next(session: Session, now: datetime, shop_id: int | None = None) -> ApiLease | None:
    """Lease the connection that is due longest, or that of one shop, due or not.

    None where there is none, or another runner has it. Of two concurrent calls one gets it.
    """
    # What lies too far ahead was written by a clock that was set back since, or by a tick.
    until, due = _table.leased_until, _table.due_at
    is_free = or_(_table.lease.is_(None), until <= now, until > now + 2 * CONNECTION_LEASE)
    is_due = or_(due <= now, due > now + MAX_RETRY_AFTER)
    wanted = is_due if shop_id is None else _table.shop_id == shop_id
    first = (
        select(_table.shop_id)
        .join(shops, shops.c.id == _table.shop_id)
        .where(wanted, is_free, or_(shops.c.closed_at.is_(None), shops.c.closed_at > now))
        .order_by(_table.due_at, _table.shop_id)
        .limit(1)
        .with_for_update(skip_locked=True, of=api_connections)
    )
    token = secrets.token_bytes(16)
    row = session.execute(
        update(api_connections)
        .where(_table.shop_id == first.scalar_subquery())
        .values(lease=token, leased_until=now + CONNECTION_LEASE)
        .returning(
            _table.shop_id, _table.base_url, _table.api_key, _table.api_secret, _table.seen_until
        )
    ).first()
    if row is None:
        return None
    credentials = ApiCredentials(row.base_url, row.api_key, row.api_secret)
    return ApiLease(directory.by_id(session, row.shop_id), credentials, row.seen_until, token)


def record_page(
    session: Session, lease: ApiLease, seen_until: datetime | None, now: datetime
) -> bool:
    """Renew the lease and record how far it came; False where it is not ours any more.

    Goes into the transaction that accepts the page's orders, and before them: then the cursor
    moves with them or not at all.
    """
    values: dict[str, datetime] = {"leased_until": now + CONNECTION_LEASE}
    if seen_until:
        values["seen_until"] = seen_until
    done = session.execute(update(api_connections).where(_is_ours(lease)).values(values))
    return bool(db.row_count(done))


def finish(session: Session, lease: ApiLease, outcome: RunOutcome, now: datetime) -> None:
    """End a run: record its outcome, and when the next one is due. Without the lease, nothing."""
    row = session.execute(
        select(_table.attempts, _table.failing_since).where(_is_ours(lease)).with_for_update()
    ).first()
    if row is None:
        return
    values: dict[str, object] = {"lease": None, "leased_until": None, "last_run_at": now}
    if outcome.failure:
        wait = outcome.failure.retry_after or backoff(  # a wait of zero is none
            row.attempts, FIRST_RETRY, LAST_RETRY, random=_random.uniform(0, 1), jitter=0.5
        )
        values |= {
            "problem": outcome.failure.problem,
            "attempts": row.attempts + 1,
            "failing_since": row.failing_since or now,
            "due_at": now + min(max(wait, timedelta(0)), MAX_RETRY_AFTER),
        }
    else:
        wait = INTERVAL if outcome.is_complete else timedelta(0)
        values |= {"problem": None, "attempts": 0, "failing_since": None, "due_at": now + wait}
    if outcome.webhook_status:
        values["webhook_status"] = outcome.webhook_status
    if outcome.webhook_status is WebhookStatus.ENABLED:
        values["webhooks_enabled_at"] = now
    session.execute(update(api_connections).where(_is_ours(lease)).values(values))


def _is_ours(lease: ApiLease) -> ColumnElement[bool]:
    return and_(_table.shop_id == lease.shop.id, _table.lease == lease.token)
