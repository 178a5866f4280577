"""Remember which deliveries came, by keyed marks of their ids and bodies."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.crypto import pseudonyms
from trustsvc.orders.models import deliveries
from trustsvc.storage import db, event_log

Sighting = Literal["new", "same", "other"]
CONFLICT = "delivery.conflict"
CONFLICT_REPORT_INTERVAL = timedelta(hours=1)

logger = log.get_logger("orders")


@dataclass(frozen=True, slots=True)
class Delivery:
    shop_id: int
    delivery_hash: bytes
    body_hash: bytes


def hash_delivery(shop_id: int, delivery_id: str, body: bytes) -> Delivery:
    """Mark a delivery; ids and bodies are marked apart, so neither passes for the other."""
    text = body.decode("utf-8", "backslashreplace")
    return Delivery(
        shop_id,
        pseudonyms.text_pseudonym(shop_id, f"delivery:{delivery_id}"),
        pseudonyms.text_pseudonym(shop_id, f"body:{text}"),
    )


def record(session: Session, batch: Sequence[Delivery | None], now: datetime) -> list[Sighting]:
    """Say of each whether its id is new, or came with the same or with another body.

    Written first and asked afterwards: of two processes with one id, one waits for the other.
    """
    first: dict[tuple[int, bytes], Delivery] = {}
    for item in batch:
        if item:
            first.setdefault((item.shop_id, item.delivery_hash), item)
    bodies = _write(session, first, now)
    answers: list[Sighting] = []
    for item in batch:
        if item is None:
            answers.append("new")
        elif (body := bodies.get((item.shop_id, item.delivery_hash))) is None:
            bodies[item.shop_id, item.delivery_hash] = item.body_hash
            answers.append("new")
        else:
            answers.append("same" if body == item.body_hash else "other")
    return answers


def _write(
    session: Session, first: dict[tuple[int, bytes], Delivery], now: datetime
) -> dict[tuple[int, bytes], bytes]:
    """Write what is not there; gives the bodies of what was."""
    if not first:
        return {}
    rows = [
        {
            "shop_id": item.shop_id,
            "delivery_hash": item.delivery_hash,
            "body_hash": item.body_hash,
            "at": now,
        }
        for _, item in sorted(first.items(), key=lambda pair: pair[0])
    ]
    table = deliveries.c
    done = session.execute(
        db.insert(deliveries)
        .on_conflict_do_nothing()
        .returning(table.shop_id, table.delivery_hash),
        rows,
    )
    written = {(row.shop_id, bytes(row.delivery_hash)) for row in done}
    old = [item for key, item in first.items() if key not in written]
    if not old:
        return {}
    found = session.execute(
        select(table.shop_id, table.delivery_hash, table.body_hash).where(
            table.shop_id.in_({item.shop_id for item in old}),
            table.delivery_hash.in_({item.delivery_hash for item in old}),
        )
    )
    return {(row.shop_id, bytes(row.delivery_hash)): bytes(row.body_hash) for row in found}


def report_conflicts(session: Session, shops: Collection[int], now: datetime) -> None:
    """Report that a signed id of these shops came back with another body.

    Either the shop's system numbers its deliveries badly, or somebody who has its secret replays
    them. One row in the outbox a shop and hour, however often it tries; nothing of the delivery.
    """
    table = event_log.events.c
    said = session.scalars(
        select(table.shop_id).where(
            table.kind == CONFLICT,
            table.shop_id.in_(shops),
            table.at > now - CONFLICT_REPORT_INTERVAL,
        )
    )
    for shop_id in sorted(set(shops) - set(said)):
        event_log.record(session, CONFLICT, shop_id, shop_id, now)
        logger.warning("order.delivery_conflict", shop=shop_id)


def discard(session: Session, ignored: Iterable[Delivery | None]) -> None:
    """Forget deliveries that turned out to be of no use: nothing of them is kept."""
    known = [item for item in ignored if item]
    if known:
        session.execute(
            delete(deliveries).where(
                deliveries.c.shop_id.in_({item.shop_id for item in known}),
                deliveries.c.delivery_hash.in_({item.delivery_hash for item in known}),
            )
        )
