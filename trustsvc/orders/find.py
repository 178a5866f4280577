"""What staff and the demo see of orders: states, no addresses and no names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.orders.models import orders


@dataclass(frozen=True, slots=True)
class Seen:
    id: int
    state: str
    received_at: datetime
    reference: str | None


def newest(session: Session, shop_id: int, most: int) -> Sequence[Seen]:
    """List a shop's newest orders; the reference is gone once the buyer's data is."""
    table = orders.c
    rows = session.execute(
        select(table.id, table.state, table.received_at, table.reference)
        .where(table.shop_id == shop_id)
        .order_by(table.id.desc())
        .limit(most)
    )
    return [Seen(*row) for row in rows]
