"""Keep orders: each once, as briefly as we can, many in one transaction."""

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
ENDS = {"cancelled", "refunded"}


@dataclass(frozen=True, slots=True, repr=False)
class IncomingOrder:
    """An order on its way in, with its keyed marks; `delivery` is None where ids are not safe."""

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
    """Make the marks: outside the transaction, because it is one at a time on SQLite."""
    said = order.delivery_id
    return IncomingOrder(
        shop=shop,
        order=order,
        identity=pseudonyms.text_pseudonym(shop.id, order.identity),
        buyer=pseudonyms.shop_pseudonym(shop.id, order.email) if order.email else None,
        delivery=idempotency.hash_delivery(shop.id, said, body) if said else None,
    )


def accept(session: Session, batch: Sequence[IncomingOrder], now: datetime) -> list[IntakeResult]:
    """Take in a batch; gives an answer each, in the same order.

    An order that is known, even from the same batch, is a duplicate: what is new in it is taken up
    and check_orders looks at it again. A cancelled order nobody knew leaves a row without a trace
    of the buyer, so that its creation arriving late leads to nothing. Twice changes nothing. That
    an order is over is written into the file of wishes too: raises Unavailable when it cannot be.
    """
    answers: list[IntakeResult | None] = [None] * len(batch)
    seen = idempotency.record(session, [item.delivery for item in batch], now)
    for place, (item, before) in enumerate(zip(batch, seen, strict=True)):
        if before == "same":
            answers[place] = IntakeResult("duplicate")
        elif before == "other" and item.shop.platform == "standard":
            answers[place] = IntakeResult("conflict")
    if conflicts := {
        item.shop.id
        for item, answer in zip(batch, answers, strict=True)
        if answer and answer.status == "conflict"
    }:
        idempotency.report_conflicts(session, conflicts, now)
    open_places = [place for place, answer in enumerate(answers) if answer is None]
    while open_places:
        open_places = _keep(session, batch, open_places, answers, now)
    settled = [answer for answer in answers if answer]
    idempotency.discard(
        session,
        [
            item.delivery
            for item, before, answer in zip(batch, seen, settled, strict=True)
            if before == "new" and answer.status == "ignored" and not item.order.is_over
        ],
    )
    return settled


def _keep(
    session: Session,
    batch: Sequence[IncomingOrder],
    places: Sequence[int],
    answers: list[IntakeResult | None],
    now: datetime,
) -> list[int]:
    """Answer what is at these places; gives those another process wrote first, to be done again."""
    known = _known(session, {batch[place].key for place in places})
    rows: dict[OrderKey, StoredOrder] = dict(known)
    news: dict[OrderKey, list[str]] = {}
    for place in places:
        item = batch[place]
        row = rows.get(item.key)
        if row is None:
            answers[place], made = _first(item, now)
            if made:
                rows[item.key] = made
        else:
            answers[place] = IntakeResult("duplicate")
            rows[item.key], changes = merge.merge(row, item.order, item.buyer)
            news.setdefault(item.key, []).extend(changes)
    new = {key: row for key, row in rows.items() if key not in known}
    written = _insert(session, new)
    _update(session, [rows[key] for key, changes in news.items() if changes and key in known])
    told = {key for key, changes in news.items() if not ENDS.isdisjoint(changes)} | set(written)
    over = [row for key in told if (row := rows[key]).is_over]
    cancellation.journal(over, now)
    _note(session, new, written, news, {key: row.id for key, row in known.items()}, now)
    return [p for p in places if batch[p].key in new and batch[p].key not in written]


def _first(item: IncomingOrder, now: datetime) -> tuple[IntakeResult, StoredOrder | None]:
    order = item.order
    is_old = order.newest < now - timedelta(days=item.shop.max_age_days)
    if order.is_over:
        answer = IntakeResult("ignored", "cancelled" if order.cancelled_at else "refunded")
        return answer, None if is_old else merge.without_buyer(item.key, order, now)
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
        .order_by(orders.c.id)  # two processes lock in one order, so neither waits for the other
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
    found = session.execute(statement, values)
    return {(row.shop_id, bytes(row.identity)): row.id for row in found}


def _update(session: Session, rows: Sequence[StoredOrder]) -> None:
    again = [row for row in rows if row.email is not None]
    for names, some in ((merge.CHANGING, rows), (merge.BUYER, again)):
        if some:
            statement = update(orders).where(orders.c.id == bindparam("row_id"))
            values = [row.values(names) | {"row_id": row.id} for row in some]
            session.connection().execute(
                statement.values({name: bindparam(name) for name in names}), values
            )


def _note(
    session: Session,
    new: dict[OrderKey, StoredOrder],
    written: dict[OrderKey, int],
    news: dict[OrderKey, list[str]],
    known: dict[OrderKey, int],
    now: datetime,
) -> None:
    """Write a line for each order that came in or changed, and ring when one waits."""
    lines: list[decision_log.DecisionLogEntry] = []
    waits = False
    for key, order_id in written.items():
        is_waiting = new[key].state is OrderState.RECEIVED
        waits = waits or is_waiting
        rule = "new" if is_waiting else "over"
        outcome = "received" if is_waiting else "ignored"
        lines.append(decision_log.DecisionLogEntry(order_id, "accept", rule, outcome, now))
    for key, changes in news.items():
        order_id = known.get(key) or written.get(key, 0)
        waits = waits or bool(changes)
        if order_id:
            lines += [
                decision_log.DecisionLogEntry(order_id, "accept", change, "received", now)
                for change in changes
            ]
    decision_log.write(session, lines)
    if waits:
        job_queue.enqueue(session, "check_orders")
