"""The way from a table to the shop whose row it is: over foreign keys, as short as can be."""

from collections import deque
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, literal, select, type_coerce
from sqlalchemy.types import LargeBinary

from trustsvc.privacy.documents import data_inventory

NO_SHOP = 0


def rows_with_shop(table: Table, columns: list[Column[Any]]) -> Select[Any]:
    """Select these columns as they are stored, each row's shop first; 0 where there is none."""
    hops, shop = _way(table)
    stored = [type_coerce(c, LargeBinary) if data_inventory.is_encrypted(c) else c for c in columns]
    statement = select(shop.label("shop"), *stored).select_from(table)
    for here, there in hops:
        statement = statement.outerjoin(there.table, here == there)
    return statement


def _way(table: Table) -> tuple[list[tuple[Column[Any], Column[Any]]], ColumnElement[Any]]:
    waiting: deque[tuple[Table, list[tuple[Column[Any], Column[Any]]]]] = deque([(table, [])])
    seen = {table.name}
    while waiting:
        here, hops = waiting.popleft()
        if here.name == "shops":
            return hops, here.c.id
        if "shop_id" in here.c:
            return hops, here.c.shop_id
        for key in sorted(here.foreign_keys, key=lambda key: key.parent.name):
            there = key.column.table
            if there.name not in seen:
                seen.add(there.name)
                waiting.append((there, [*hops, (key.parent, key.column)]))
    return [], literal(NO_SHOP)
