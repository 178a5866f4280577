"""Read and write orders by the keyed hash of their platform's id."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.orm import Session

from trustsvc.orders import aspects
from trustsvc.orders.aspects import StoredOrder
from trustsvc.orders.models import orders
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.state import OrderState, order_states
from trustsvc.storage.bulk_insert import BulkInsert
from trustsvc.storage.columns import sorted_afterwards

OrderKey = tuple[int, bytes]

# Built once: with group commit that takes longer than the database does.
_INSERT = BulkInsert(
    orders,
    aspects.COLUMNS,
    unless_same=("shop_id", "identity"),
    returning=("id", "shop_id", "identity"),
)
_KNOWN = (
    select(*(orders.c[name] for name in ("id", *aspects.COLUMNS)))
    .where(
        orders.c.shop_id.in_(bindparam("shops", expanding=True)),
        orders.c.identity.in_(bindparam("identities", expanding=True)),
    )
    .order_by(sorted_afterwards(orders.c.id))  # one order of locking: no two processes deadlock
    .with_for_update(of=orders)
)
_RECEIVE = order_states.update(
    orders, order_states.sources_of(OrderState.RECEIVED), OrderState.RECEIVED
)


def lock_known(session: Session, keys: Collection[OrderKey]) -> dict[OrderKey, StoredOrder]:
    """Read and lock the orders of these keys that are known."""
    names = {"shops": {shop_id for shop_id, _ in keys}, "identities": {one for _, one in keys}}
    rows = session.connection().execute(_KNOWN, names).mappings()
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
    values = [list(new[key].values().values()) for key in sorted(new)]
    inserted = _INSERT.execute(session, values)
    return {(row["shop_id"], bytes(row["identity"])): row["id"] for row in inserted}


def update_changed(session: Session, rows: Sequence[StoredOrder]) -> None:
    """Write the aspects of known orders, and the buyer where it changed.

    News moves an order to `received`, or leaves its state as it is.
    """
    known = [row for row in rows if row.id]
    received = [row for row in known if row.state is OrderState.RECEIVED]
    unmoved = [row for row in known if row.state is not OrderState.RECEIVED]
    _update(session, _WRITE_RECEIVED, aspects.CHANGING, received)
    _update(session, _WRITE, aspects.CHANGING, unmoved)
    _update(session, _WRITE_BUYER, aspects.BUYER, [row for row in known if row.writes_buyer])


def _update(
    session: Session, statement: Update, names: Sequence[str], rows: Sequence[StoredOrder]
) -> None:
    if rows:
        values = [row.values(names) | {"row_id": row.id} for row in rows]
        session.connection().execute(statement, values)


def _of_row(statement: Update, names: Sequence[str]) -> Update:
    return statement.where(orders.c.id == bindparam("row_id")).values(
        {name: bindparam(name) for name in names}
    )


_WRITE_RECEIVED = _of_row(_RECEIVE, aspects.CHANGING)
_WRITE = _of_row(update(orders), aspects.CHANGING)
_WRITE_BUYER = _of_row(update(orders), aspects.BUYER)
