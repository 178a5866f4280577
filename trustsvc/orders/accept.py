"""Store incoming orders, each once, many in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.orders import (
    cancellation,
    idempotency,
    merge,
    privacy_requests,
    restricted_buyers,
    skip,
    stored_orders,
    webhook_delivery_log,
)
from trustsvc.orders.aspects import StoredOrder
from trustsvc.orders.news import OrderNews
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.orders.received import IgnoreReason, OrderReceived, PrivacyRequestKind
from trustsvc.orders.state import OrderState
from trustsvc.orders.stored_orders import OrderKey
from trustsvc.shops.directory import Shop
from trustsvc.work_queue import job_queue


@dataclass(frozen=True, slots=True, repr=False)
class IncomingOrder:
    """An order to be stored, with its keyed hashes and the reason to skip it, if any."""

    shop: Shop
    order: OrderReceived
    order_hash: bytes
    buyer_pseudonym: bytes | None
    webhook_delivery: idempotency.WebhookDelivery | None
    skip: str | None
    claim: bytes | None
    parcel: bytes | None

    @property
    def key(self) -> OrderKey:
        return (self.shop.id, self.order_hash)

    def news(self, now: datetime) -> OrderNews:
        details = skip.by_field(self.shop.skip, self.order.details)
        return OrderNews(
            self.order, self.buyer_pseudonym, self.skip, now, self.claim, self.parcel, details
        )


@dataclass(frozen=True, slots=True)
class IntakeResult:
    status: Literal["accepted", "duplicate", "ignored", "conflict"]
    reason: IgnoreReason | None = None
    field: str = ""  # what was missed


def incoming_order(shop: Shop, order: OrderReceived, body: bytes) -> IncomingOrder:
    """Compute the hashes before the transaction, because SQLite has one writer at a time."""
    return IncomingOrder(
        shop=shop,
        order=order,
        order_hash=pseudonyms.text_pseudonym(shop.id, order.identity),
        buyer_pseudonym=(pseudonyms.shop_pseudonym(shop.id, order.email) if order.email else None),
        webhook_delivery=(
            idempotency.hash_webhook_delivery(shop.id, order.webhook_delivery_id, body)
            if order.webhook_delivery_id
            else None
        ),
        skip=skip.reason(shop.skip, order.traits),
        claim=pseudonyms.text_pseudonym(shop.id, f"claim {order.claim}") if order.claim else None,
        parcel=(
            pseudonyms.text_pseudonym(shop.id, f"parcel {order.parcel}") if order.parcel else None
        ),
    )


def accept(session: Session, batch: Sequence[IncomingOrder], now: datetime) -> list[IntakeResult]:
    """Store a batch; gives one result for each order, in the order of the batch.

    A known order is a duplicate, also if it came earlier in the same batch: its news is merged, and
    check_orders decides again. A new order that has already ended, or that names no buyer, gets a
    row without buyer data: that row shows later which news is older. Each webhook delivery is one
    line of the decision log. Called twice, it changes nothing. Orders that end also go into the
    suppression journal; raises Unavailable if that fails.
    """
    results: list[IntakeResult | None] = [None] * len(batch)
    sightings = idempotency.record(session, [item.webhook_delivery for item in batch], now)
    for index, (item, sighting) in enumerate(zip(batch, sightings, strict=True)):
        if sighting == "same":
            results[index] = IntakeResult("duplicate")
        elif sighting == "other" and item.shop.platform == "standard":
            results[index] = IntakeResult("conflict")
    if conflicts := {
        item.shop.id
        for item, result in zip(batch, results, strict=True)
        if result and result.status == "conflict"
    }:
        idempotency.report_conflicts(session, conflicts, now)
    repeated = {item.key for item, result in zip(batch, results, strict=True) if result}
    webhook_delivery_log.log_repeated(session, repeated, now)
    unstored = [index for index, result in enumerate(results) if result is None]
    kept: set[OrderKey] = set()
    while unstored:
        unstored = _store(session, batch, unstored, results, kept, now)
    done = [result for result in results if result]
    idempotency.discard(
        session,
        [
            item.webhook_delivery
            for item, sighting, result in zip(batch, sightings, done, strict=True)
            if sighting == "new" and result.status == "ignored" and item.key not in kept
        ],
    )
    return done


def _store(
    session: Session,
    batch: Sequence[IncomingOrder],
    indexes: Sequence[int],
    results: list[IntakeResult | None],
    kept: set[OrderKey],
    now: datetime,
) -> list[int]:
    """Store these items; gives those another process inserted first, which must be retried."""
    known = stored_orders.lock_known(session, {batch[index].key for index in indexes})
    rows: dict[OrderKey, StoredOrder] = dict(known)
    changes: dict[OrderKey, list[list[str]]] = {}
    for index in indexes:
        item = batch[index]
        row = rows.get(item.key)
        if row is None:
            results[index], created = _new(item, now)
            if created:
                rows[item.key] = created
        else:
            results[index] = IntakeResult("duplicate")
            rows[item.key], changed = merge.merge(row, item.news(now))
            changes.setdefault(item.key, []).append(changed)
    restricted_buyers.keep_pseudonyms(session, known, rows, now)
    new = {key: row for key, row in rows.items() if key not in known}
    written = stored_orders.insert(session, new)
    stored_orders.update_changed(
        session, [row for key, row in rows.items() if known.get(key, row) is not row]
    )
    erased = {key for key, each in changes.items() if any(merge.ERASED in x for x in each)}
    barred = [
        rows[key] for key in changes if key in erased or _is_barred(known.get(key), rows[key])
    ]
    barred += [new[key] for key in written if _is_barred(None, new[key])]
    cancellation.journal(session, barred, erased, now)
    ids = {key: row.id for key, row in known.items()} | written
    added = {key: new[key] for key in written}
    webhook_delivery_log.log(session, added, changes, ids, now)
    is_received = any(row.state is OrderState.RECEIVED for row in added.values())
    if is_received or any(map(any, changes.values())):
        job_queue.enqueue(session, "check_orders")
    _erase_anonymised(session, [item for item in batch if item.key in erased], now)
    kept |= set(ids)
    return [i for i in indexes if batch[i].key in new and batch[i].key not in written]


def _is_barred(known: StoredOrder | None, row: StoredOrder) -> bool:
    """Whether the order ended, or its buyer refused, since it was read: a restore must know."""
    if known is None:
        return row.is_over or row.consent is False
    has_refused = row.consent is False and known.consent is not False
    return has_refused or (row.is_over and not known.is_over)


def _new(item: IncomingOrder, now: datetime) -> tuple[IntakeResult, StoredOrder | None]:
    order = item.order
    if order.is_draft:
        return IntakeResult("ignored", "draft"), None
    is_old = order.created_at < now - timedelta(days=item.shop.max_age_days)
    row = merge.new_order(item.key, item.news(now))
    if order.is_over:
        reason: IgnoreReason = (
            "cancelled" if order.platform_status is PlatformStatus.CANCELLED else "refunded"
        )
        return IntakeResult("ignored", reason), None if is_old else row
    if not row.has_buyer:
        # Without an address it is kept, too: an older body that names one comes later.
        is_news = order.is_update or (order.says_contact and not order.is_creation)
        field = "data.email" if item.shop.platform == "standard" else ""
        return IntakeResult("ignored", "no_address", field), row if is_news and not is_old else None
    old = IntakeResult("ignored", "too_old"), None
    return old if is_old else (IntakeResult("accepted"), row)


def _erase_anonymised(session: Session, batch: Sequence[IncomingOrder], now: datetime) -> None:
    """Have the rest erased of buyers whom their shop erased, with an entry in the request log."""
    without = [item for item in batch if not item.order.email or item.order.is_anonymised]
    final_last = sorted(without, key=lambda item: item.order.is_anonymised)
    for item in {item.key: item for item in final_last}.values():
        is_request = item.order.is_anonymised
        kind = PrivacyRequestKind.ERASE if is_request else PrivacyRequestKind.EMPTIED
        orders_erased = (item.order.identity,)
        request = PrivacyRequest(kind, item.shop.id, item.shop.language, orders=orders_erased)
        privacy_requests.store(session, request, now)
