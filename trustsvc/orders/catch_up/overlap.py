"""Leave out what an earlier run fetched: two runs overlap, and each delivery is a decision."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.orders.accept import IncomingOrder
from trustsvc.orders.models import deliveries


def not_fetched_before(session: Session, batch: Sequence[IncomingOrder]) -> list[IncomingOrder]:
    """Give the orders whose id, moment of change and body were not accepted yet.

    One that comes twice in the batch stays twice; `accept` tells them apart.
    """
    hashes = {item.delivery.delivery_hash for item in batch if item.delivery}
    table = deliveries.c
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
        if item.delivery is None
        or (item.delivery.delivery_hash, item.delivery.body_hash) not in known
    ]
