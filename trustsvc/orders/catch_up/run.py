"""Catch up with a shop: fetch what was modified, accept it, and see to its webhooks.

The same parsers and the same `accept` as for a webhook: the same fields are kept, and nothing
else. No transaction is open while the network is waited for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.errors import Refused
from trustsvc.orders import accept
from trustsvc.orders.catch_up import connections, paging
from trustsvc.orders.catch_up.connections import ApiLease, RunOutcome
from trustsvc.orders.catch_up.fetch import fetch
from trustsvc.orders.catch_up.paging import ApiFailed, ListedOrder, OrderPage, Position
from trustsvc.orders.catch_up.platforms import APIS, ShopApi
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials
from trustsvc.orders.catch_up.status import ApiProblem
from trustsvc.orders.catch_up.webhooks import check_webhooks
from trustsvc.orders.models import webhook_deliveries
from trustsvc.orders.platforms import PLATFORMS
from trustsvc.orders.received import Ignored, OrderReceived, PrivacyRequestReceived
from trustsvc.shops.directory import Shop
from trustsvc.storage import db

logger = log.get_logger("orders")


class RunnerReplaced(Exception):
    """Another runner, or other credentials, took over; nothing of this page is stored."""


@dataclass(slots=True)
class CatchUpCount:
    """How many orders a run was handed, and what became of them."""

    new: int = 0
    known: int = 0
    ignored: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class CatchUpRun:
    """A run: what it needs from outside."""

    transaction: db.OpenTransaction
    now: Callable[[], datetime]
    has_time: Callable[[], bool]


def catch_up_next(
    run: CatchUpRun, shop_id: int | None = None
) -> tuple[RunOutcome, CatchUpCount] | None:
    """Run the connection that is due longest, or that of one shop; None where there is none.

    Killed at any point, the next run goes on behind the last page that was stored. A failure is
    recorded as a code and tried again later (connections.py).
    """
    with run.transaction() as session:
        lease = connections.lease_next(session, run.now(), shop_id)
    if lease is None:
        return None
    count = CatchUpCount()
    outcome = RunOutcome(is_complete=False)
    try:
        credentials = _open(lease, run.now())
        outcome = replace(outcome, is_complete=_fetch_lists(run, lease, credentials, count))
        if outcome.is_complete:
            status = check_webhooks(lease.shop, credentials, run.now())
            outcome = replace(outcome, webhook_status=status)
    except ApiFailed as failure:
        outcome = replace(outcome, failure=failure)
        logger.warning("catch_up.failed", shop=lease.shop.id, problem=failure.problem.value)
    except RunnerReplaced:
        logger.warning("catch_up.replaced", shop=lease.shop.id)
        return outcome, count
    with run.transaction() as session:
        connections.finish(session, lease, outcome, run.now())
    return outcome, count


def try_credentials(shop: Shop, credentials: ApiCredentials, now: datetime) -> None:
    """Ask for one order, and keep nothing; raises ApiFailed where the credentials do not work."""
    lease = ApiLease(shop, credentials, now, b"")
    api = APIS[shop.platform]
    credentials = _open(lease, now)
    position = Position(now - timedelta(days=1), 1)
    answer = fetch(api.orders_request(credentials, api.LISTS[-1], position), now)
    api.read_orders(answer, position, now)


def _open(lease: ApiLease, now: datetime) -> ApiCredentials:
    """Exchange the credentials for a token where the platform wants that."""
    request = APIS[lease.shop.platform].token_request(lease.credentials)
    if request is None:
        return lease.credentials
    found = paging.json_value(fetch(request, now).body)
    token = found.get("access_token") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise ApiFailed(ApiProblem.UNREADABLE)
    return ApiCredentials(lease.credentials.base_url, "", token)


def _fetch_lists(
    run: CatchUpRun, lease: ApiLease, credentials: ApiCredentials, count: CatchUpCount
) -> bool:
    """Fetch each list to its end; False where the time was over before.

    Only the last list moves the cursor: what the others hold is asked for again until then.
    """
    api = APIS[lease.shop.platform]
    oldest = run.now() - timedelta(days=lease.shop.max_age_days)
    since = max(lease.seen_until - api.OVERLAP, oldest)
    for listed in api.LISTS:
        position: Position | None = Position(since, api.PAGE_SIZE)
        while position is not None:
            if not run.has_time():
                return False
            page = _fetch_page(api, credentials, listed, position, run.now())
            if page is None:
                position = position.smaller()
                continue
            step = paging.advance(position, page, run.now())
            seen_until = step.seen_until if listed == api.LISTS[-1] else None
            if seen_until and seen_until <= lease.seen_until:
                seen_until = None  # in the overlap
            _store(run, lease, page, seen_until, count)
            position = step.next
    return True


def _fetch_page(
    api: ShopApi, credentials: ApiCredentials, listed: str, position: Position, now: datetime
) -> OrderPage | None:
    """Fetch a page; None where it is too large, and fewer orders may fit."""
    try:
        answer = fetch(api.orders_request(credentials, listed, position), now)
    except ApiFailed as failure:
        if failure.problem is ApiProblem.TOO_LARGE and position.size > 1:
            return None
        raise
    return api.read_orders(answer, position, now)


def _store(
    run: CatchUpRun,
    lease: ApiLease,
    page: OrderPage,
    seen_until: datetime | None,
    count: CatchUpCount,
) -> None:
    """Accept a page's orders and move the cursor, in one transaction."""
    now = run.now()
    headers = APIS[lease.shop.platform].HEADERS
    batch = []
    for listed in page.orders:
        order = _parse(lease.shop, headers, listed, now)
        if isinstance(order, OrderReceived):
            batch.append(accept.incoming_order(lease.shop, order, listed.body))
        elif order is None:
            count.unreadable += 1
        else:
            count.ignored += 1
    with run.transaction() as session:
        if not connections.record_page(session, lease, seen_until, now):
            raise RunnerReplaced
        new = _not_fetched_before(session, batch)
        results = accept.accept(session, new, now)
    statuses = [result.status for result in results]
    count.new += statuses.count("accepted")
    count.ignored += statuses.count("ignored")
    count.known += len(batch) - statuses.count("accepted") - statuses.count("ignored")


def _not_fetched_before(
    session: Session, batch: Sequence[accept.IncomingOrder]
) -> list[accept.IncomingOrder]:
    """Give the orders whose id, moment of change and body were not accepted yet.

    Two runs overlap, and each delivery is a decision. One that comes twice in the batch stays
    twice; `accept` tells them apart.
    """
    hashes = {item.webhook_delivery.delivery_hash for item in batch if item.webhook_delivery}
    table = webhook_deliveries.c
    rows = session.execute(
        select(table.delivery_hash, table.body_hash).where(
            table.shop_id.in_({item.shop.id for item in batch}),
            table.delivery_hash.in_(hashes),
        )
    )
    known = {(bytes(row.delivery_hash), bytes(row.body_hash)) for row in rows}
    return [
        item
        for item in batch
        if item.webhook_delivery is None
        or (item.webhook_delivery.delivery_hash, item.webhook_delivery.body_hash) not in known
    ]


def _parse(
    shop: Shop, headers: Mapping[str, str], listed: ListedOrder, now: datetime
) -> OrderReceived | PrivacyRequestReceived | Ignored | None:
    """Read an order as from a webhook; None for what is none, which holds nothing up.

    The id and the moment of its change recognise an order that was fetched before, so that the
    overlap of two runs leaves no trace.
    """
    try:
        order = PLATFORMS[shop.platform].parse(headers, listed.body, now)
    except Refused:
        return None
    if isinstance(order, OrderReceived) and listed.identity and listed.modified:
        known = f"catch-up:{listed.identity}:{listed.modified.isoformat()}"
        return replace(order, webhook_delivery_id=known)
    return order
