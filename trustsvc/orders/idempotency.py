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

Before = Literal["new", "same", "other"]
CONFLICT = "delivery.conflict"
SAY_AGAIN = timedelta(hours=1)

logger = log.get_logger("orders")


@dataclass(frozen=True, slots=True)
class Delivery:
    shop_id: int
    mark: bytes
    body: bytes


def mark(shop_id: int, delivery_id: str, body: bytes) -> Delivery:
    """Mark a delivery; ids and bodies are marked apart, so neither passes for the other."""
    text = body.decode("utf-8", "backslashreplace")
    return Delivery(
        shop_id,
        pseudonyms.text_pseudonym(shop_id, f"delivery:{delivery_id}"),
        pseudonyms.text_pseudonym(shop_id, f"body:{text}"),
    )


def remember(session: Session, batch: Sequence[Delivery | None], now: datetime) -> list[Before]:
    """Say of each whether its id is new, or came with the same or with another body.

    Written first and asked afterwards: of two processes with one id, one waits for the other.
    """
    first: dict[tuple[int, bytes], Delivery] = {}
    for item in batch:
        if item:
            first.setdefault((item.shop_id, item.mark), item)
    bodies = _write(session, first, now)
    answers: list[Before] = []
    for item in batch:
        if item is None:
            answers.append("new")
        elif (body := bodies.get((item.shop_id, item.mark))) is None:
            bodies[item.shop_id, item.mark] = item.body
            answers.append("new")
        else:
            answers.append("same" if body == item.body else "other")
    return answers


def _write(
    session: Session, first: dict[tuple[int, bytes], Delivery], now: datetime
) -> dict[tuple[int, bytes], bytes]:
    """Write what is not there; gives the bodies of what was."""
    if not first:
        return {}
    rows = [
        {"shop_id": item.shop_id, "mark": item.mark, "body": item.body, "at": now}
        for _, item in sorted(first.items(), key=lambda pair: pair[0])
    ]
    table = deliveries.c
    done = session.execute(
        db.insert(deliveries).on_conflict_do_nothing().returning(table.shop_id, table.mark), rows
    )
    written = {(row.shop_id, bytes(row.mark)) for row in done}
    old = [item for key, item in first.items() if key not in written]
    if not old:
        return {}
    found = session.execute(
        select(table.shop_id, table.mark, table.body).where(
            table.shop_id.in_({item.shop_id for item in old}),
            table.mark.in_({item.mark for item in old}),
        )
    )
    return {(row.shop_id, bytes(row.mark)): bytes(row.body) for row in found}


def report(session: Session, shops: Collection[int], now: datetime) -> None:
    """Report that a signed id of these shops came back with another body.

    Either the shop's system numbers its deliveries badly, or somebody who has its secret replays
    them. One row in the outbox a shop and hour, however often it tries; nothing of the delivery.
    """
    table = event_log.events.c
    said = session.scalars(
        select(table.shop_id).where(
            table.kind == CONFLICT, table.shop_id.in_(shops), table.at > now - SAY_AGAIN
        )
    )
    for shop_id in sorted(set(shops) - set(said)):
        event_log.record(session, CONFLICT, shop_id, shop_id, now)
        logger.warning("a signed delivery id came back with another body", shop=shop_id)


def forget(session: Session, ignored: Iterable[Delivery | None]) -> None:
    """Forget deliveries that turned out to be of no use: nothing of them is kept."""
    known = [item for item in ignored if item]
    if known:
        session.execute(
            delete(deliveries).where(
                deliveries.c.shop_id.in_({item.shop_id for item in known}),
                deliveries.c.mark.in_({item.mark for item in known}),
            )
        )
