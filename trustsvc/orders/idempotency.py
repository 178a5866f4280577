"""Idempotency (deduplication) of deliveries: known by keyed hashes of their ids and bodies."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.crypto import pseudonyms
from trustsvc.orders.models import webhook_deliveries
from trustsvc.storage import event_log
from trustsvc.storage.bulk_insert import BulkInsert

Sighting = Literal["new", "same", "other"]
CONFLICT = "delivery.conflict"
CONFLICT_REPORT_INTERVAL = timedelta(hours=1)

_INSERT = BulkInsert(
    webhook_deliveries,
    ("shop_id", "delivery_hash", "body_hash", "at"),
    unless_same=(),
    returning=("shop_id", "delivery_hash"),
)

logger = log.get_logger("orders")


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    shop_id: int
    delivery_hash: bytes
    body_hash: bytes


def hash_webhook_delivery(shop_id: int, webhook_delivery_id: str, body: bytes) -> WebhookDelivery:
    """Hash a delivery; ids and bodies have prefixes of their own, so neither equals the other."""
    text = body.decode("utf-8", "backslashreplace")
    return WebhookDelivery(
        shop_id,
        pseudonyms.text_pseudonym(shop_id, f"delivery:{webhook_delivery_id}"),
        pseudonyms.text_pseudonym(shop_id, f"body:{text}"),
    )


def record(
    session: Session, batch: Sequence[WebhookDelivery | None], now: datetime
) -> list[Sighting]:
    """Tell for each delivery whether its id is new, or was seen with the same or another body.

    Inserts first and reads afterwards: of two processes with one id, one waits for the other.
    """
    first: dict[tuple[int, bytes], WebhookDelivery] = {}
    for item in batch:
        if item:
            first.setdefault((item.shop_id, item.delivery_hash), item)
    bodies = _write(session, first, now)
    sightings: list[Sighting] = []
    for item in batch:
        if item is None:
            sightings.append("new")
        elif (body := bodies.get((item.shop_id, item.delivery_hash))) is None:
            bodies[item.shop_id, item.delivery_hash] = item.body_hash
            sightings.append("new")
        else:
            sightings.append("same" if body == item.body_hash else "other")
    return sightings


def _write(
    session: Session, first: dict[tuple[int, bytes], WebhookDelivery], now: datetime
) -> dict[tuple[int, bytes], bytes]:
    """Insert unknown deliveries; gives the body hashes of the known ones."""
    if not first:
        return {}
    rows = [
        (item.shop_id, item.delivery_hash, item.body_hash, now)
        for _, item in sorted(first.items(), key=lambda pair: pair[0])
    ]
    done = _INSERT.execute(session, rows)
    written = {(row["shop_id"], bytes(row["delivery_hash"])) for row in done}
    repeated = [item for key, item in first.items() if key not in written]
    if not repeated:
        return {}
    table = webhook_deliveries.c
    stored = session.execute(
        select(table.shop_id, table.delivery_hash, table.body_hash).where(
            table.shop_id.in_({item.shop_id for item in repeated}),
            table.delivery_hash.in_({item.delivery_hash for item in repeated}),
        )
    )
    return {(row.shop_id, bytes(row.delivery_hash)): bytes(row.body_hash) for row in stored}


def report_conflicts(session: Session, shops: Collection[int], now: datetime) -> None:
    """Report that a signed delivery id of these shops was reused with another body.

    Either the shop's system numbers its deliveries badly, or somebody with its secret replays them.
    At most one event per shop and hour, without anything of the delivery.
    """
    table = event_log.events.c
    reported = session.scalars(
        select(table.shop_id).where(
            table.kind == CONFLICT,
            table.shop_id.in_(shops),
            table.at > now - CONFLICT_REPORT_INTERVAL,
        )
    )
    for shop_id in sorted(set(shops) - set(reported)):
        event_log.record(session, CONFLICT, shop_id, shop_id, now)
        logger.warning("order.delivery_conflict", shop=shop_id)


def discard(session: Session, ignored: Iterable[WebhookDelivery | None]) -> None:
    """Delete the deliveries of ignored orders, so that nothing of them is stored."""
    known = [item for item in ignored if item]
    if known:
        session.execute(
            delete(webhook_deliveries).where(
                webhook_deliveries.c.shop_id.in_({item.shop_id for item in known}),
                webhook_deliveries.c.delivery_hash.in_({item.delivery_hash for item in known}),
            )
        )
