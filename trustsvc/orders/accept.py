"""Store incoming orders, each once, many in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.orders import cancellation, decision_log, idempotency, merge
from trustsvc.orders.merge import StoredOrder
from trustsvc.orders.models import orders
from trustsvc.orders.received import IgnoreReason, OrderReceived
from trustsvc.orders.state import OrderState
from trustsvc.shops.directory import Shop
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

OrderKey = tuple[int, bytes]
END_CHANGES = {"cancelled", "refunded"}


@dataclass(frozen=True, slots=True, repr=False)
class IncomingOrder:
    """An order to be stored, with its keyed hashes. `delivery`: None if ids are not reliable."""

    shop: Shop
    order: OrderReceived
    identity: bytes
    buyer: bytes | None
    delivery: idempotency.Delivery | None

    @property
    def key(self) -> OrderKey:
        return (self.shop.id, self.identity)


@dataclass(frozen=True, slots=True)
class IntakeResult:
    status: Literal["accepted", "duplicate", "ignored", "conflict"]
    reason: IgnoreReason | None = None


def incoming_order(shop: Shop, order: OrderReceived, body: bytes) -> IncomingOrder:
    """Compute the hashes before the transaction, because SQLite has one writer at a time."""
    return IncomingOrder(
        shop=shop,
        order=order,
        identity=pseudonyms.text_pseudonym(shop.id, order.identity),
        buyer=pseudonyms.shop_pseudonym(shop.id, order.email) if order.email else None,
        delivery=(
            idempotency.hash_delivery(shop.id, order.delivery_id, body)
            if order.delivery_id
            else None
        ),
    )


def accept(session: Session, batch: Sequence[IncomingOrder], now: datetime) -> list[IntakeResult]:
    """Store a batch; gives one result per order, in the same sequence.

    A known order, even from the same batch, is a duplicate: its changes are merged and check_orders
    decides again. An unknown order that is cancelled already leaves a row without buyer data, so
    that its late creation event leads to nothing. Called twice, it changes nothing. Cancelled and
    refunded orders are also appended to the suppression journal; raises Unavailable if that fails.
    """
    results: list[IntakeResult | None] = [None] * len(batch)
    sightings = idempotency.record(session, [item.delivery for item in batch], now)
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
    unsettled = [index for index, result in enumerate(results) if result is None]
    while unsettled:
        unsettled = _store(session, batch, unsettled, results, now)
    settled = [result for result in results if result]
    idempotency.discard(
        session,
        [
            item.delivery
            for item, sighting, result in zip(batch, sightings, settled, strict=True)
            if sighting == "new" and result.status == "ignored" and not item.order.is_over
        ],
    )
    return settled


def _store(
    session: Session,
    batch: Sequence[IncomingOrder],
    indexes: Sequence[int],
    results: list[IntakeResult | None],
    now: datetime,
) -> list[int]:
    """Store these items; gives those another process inserted first, which must be retried."""
    known = _known(session, {batch[index].key for index in indexes})
    rows: dict[OrderKey, StoredOrder] = dict(known)
    changes: dict[OrderKey, list[str]] = {}
    for index in indexes:
        item = batch[index]
        row = rows.get(item.key)
        if row is None:
            results[index], created = _new(item, now)
            if created:
                rows[item.key] = created
        else:
            results[index] = IntakeResult("duplicate")
            rows[item.key], changed = merge.merge(row, item.order, item.buyer)
            changes.setdefault(item.key, []).extend(changed)
    new = {key: row for key, row in rows.items() if key not in known}
    written = _insert(session, new)
    _update(session, [rows[key] for key, changed in changes.items() if changed and key in known])
    ended = {key for key, changed in changes.items() if not END_CHANGES.isdisjoint(changed)}
    over = [row for key in ended | set(written) if (row := rows[key]).is_over]
    cancellation.journal(over, now)
    _log(session, new, written, changes, {key: row.id for key, row in known.items()}, now)
    return [i for i in indexes if batch[i].key in new and batch[i].key not in written]


def _new(item: IncomingOrder, now: datetime) -> tuple[IntakeResult, StoredOrder | None]:
    order = item.order
    is_old = order.newest < now - timedelta(days=item.shop.max_age_days)
    if order.is_over:
        result = IntakeResult("ignored", "cancelled" if order.cancelled_at else "refunded")
        return result, None if is_old else merge.without_buyer(item.key, order, now)
    if not order.email:
        return IntakeResult("ignored", "no_address"), None
    if is_old:
        return IntakeResult("ignored", "too_old"), None
    return IntakeResult("accepted"), merge.new_order(item.key, order, item.buyer, now)


def _known(session: Session, keys: Iterable[OrderKey]) -> dict[OrderKey, StoredOrder]:
    names = ("id", "shop_id", "identity", "created_at", "received_at", *merge.CHANGING)
    columns = [orders.c[name] for name in names]
    rows = session.execute(
        select(
            *columns,
            orders.c.email.is_not(None).label("has_buyer"),
            (decision_log.last_rule("may_ask") == "no_basis_registered").label("not_registered"),
        )
        .where(
            orders.c.shop_id.in_({shop_id for shop_id, _ in keys}),
            orders.c.identity.in_({identity for _, identity in keys}),
        )
        .order_by(orders.c.id)  # one locking order, so that two processes cannot deadlock
        .with_for_update(of=orders)
    ).mappings()
    known = (
        StoredOrder(
            **{**row, "identity": bytes(row["identity"]), "state": OrderState(row["state"])}
        )
        for row in rows
    )
    return {(order.shop_id, order.identity): order for order in known}


def _insert(session: Session, new: dict[OrderKey, StoredOrder]) -> dict[OrderKey, int]:
    if not new:
        return {}
    statement = (
        db.insert(orders)
        .on_conflict_do_nothing(index_elements=["shop_id", "identity"])
        .returning(orders.c.id, orders.c.shop_id, orders.c.identity)
    )
    values = [new[key].values() for key in sorted(new)]
    inserted = session.execute(statement, values)
    return {(row.shop_id, bytes(row.identity)): row.id for row in inserted}


def _update(session: Session, rows: Sequence[StoredOrder]) -> None:
    with_buyer = [row for row in rows if row.email is not None]
    for names, updated in ((merge.CHANGING, rows), (merge.BUYER, with_buyer)):
        if updated:
            statement = update(orders).where(orders.c.id == bindparam("row_id"))
            values = [row.values(names) | {"row_id": row.id} for row in updated]
            session.connection().execute(
                statement.values({name: bindparam(name) for name in names}), values
            )


def _log(
    session: Session,
    new: dict[OrderKey, StoredOrder],
    written: dict[OrderKey, int],
    changes: dict[OrderKey, list[str]],
    known: dict[OrderKey, int],
    now: datetime,
) -> None:
    """Log each new or changed order, and enqueue check_orders if one needs a decision."""
    entries: list[decision_log.DecisionLogEntry] = []
    needs_check = False
    for key, order_id in written.items():
        is_received = new[key].state is OrderState.RECEIVED
        needs_check = needs_check or is_received
        rule = "new" if is_received else "over"
        outcome = "received" if is_received else "ignored"
        entries.append(decision_log.DecisionLogEntry(order_id, "accept", rule, outcome, now))
    for key, changed in changes.items():
        order_id = known.get(key) or written.get(key, 0)
        needs_check = needs_check or bool(changed)
        if order_id:
            entries += [
                decision_log.DecisionLogEntry(order_id, "accept", change, "received", now)
                for change in changed
            ]
    decision_log.write(session, entries)
    if needs_check:
        job_queue.enqueue(session, "check_orders")
