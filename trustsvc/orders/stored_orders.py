"""Read and write orders by the keyed hash of their platform's id."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.orm import Session

from trustsvc.orders import aspects
from trustsvc.orders.aspects import StoredOrder
from trustsvc.orders.models import orders
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.state import OrderState, order_states
from trustsvc.storage import db

OrderKey = tuple[int, bytes]


def lock_known(session: Session, keys: Iterable[OrderKey]) -> dict[OrderKey, StoredOrder]:
    """Read and lock the orders of these keys that are known."""
    names = ("id", *aspects.COLUMNS)
    rows = session.execute(
        select(*(orders.c[name] for name in names))
        .where(
            orders.c.shop_id.in_({shop_id for shop_id, _ in keys}),
            orders.c.identity.in_({identity for _, identity in keys}),
        )
        .order_by(orders.c.id)  # one locking order, so that two processes cannot deadlock
        .with_for_update(of=orders)
    ).mappings()
    known = (
        StoredOrder(
            **{
                **row,
                "identity": bytes(row["identity"]),
                "state": OrderState(row["state"]),
                "platform_status": PlatformStatus(row["platform_status"]),
                "dispute": PlatformStatus(row["dispute"]) if row["dispute"] else None,
                "returns": PlatformStatus(row["returns"]) if row["returns"] else None,
                "delivery": ParcelState(row["delivery"]) if row["delivery"] else None,
            },
            has_buyer=row["email"] is not None,
        )
        for row in rows
    )
    return {(order.shop_id, order.identity): order for order in known}


def insert(session: Session, new: Mapping[OrderKey, StoredOrder]) -> dict[OrderKey, int]:
    """Insert orders; gives the ids of those that nobody else inserted first."""
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


def update_changed(session: Session, rows: Sequence[StoredOrder]) -> None:
    """Write the aspects of known orders, and the buyer where it changed.

    News moves an order to `received`, or leaves its state as it is.
    """
    after = OrderState.RECEIVED
    receive = order_states.update(orders, order_states.sources_of(after), after)
    known = [row for row in rows if row.id]
    received = [row for row in known if row.state is after]
    unmoved = [row for row in known if row.state is not after]
    _update(session, receive, aspects.CHANGING, received)
    _update(session, update(orders), aspects.CHANGING, unmoved)
    _update(session, update(orders), aspects.BUYER, [row for row in known if row.writes_buyer])


def _update(
    session: Session, statement: Update, names: Sequence[str], rows: Sequence[StoredOrder]
) -> None:
    if rows:
        values = [row.values(names) | {"row_id": row.id} for row in rows]
        session.connection().execute(
            statement.where(orders.c.id == bindparam("row_id")).values(
                {name: bindparam(name) for name in names}
            ),
            values,
        )
