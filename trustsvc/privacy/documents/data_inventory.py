"""The data inventory: why each stored column exists, how long it is kept, what it holds."""

import importlib
import pkgutil
from collections import deque
from functools import cache
from typing import Any, get_args

from sqlalchemy import Column, ColumnElement, Select, Table, literal, select, type_coerce
from sqlalchemy.types import LargeBinary

import trustsvc
from trustsvc.crypto.encrypted_column import EncryptedType
from trustsvc.storage.columns import Category, metadata

InfoColumn = Column[Any]
CATEGORIES: tuple[str, ...] = get_args(Category)
# Pseudonyms of a link, a message, an order, its disputes and returns, a mail domain, a body and a
# network of many people: they tell no people apart. Nor does a journal entry's subject, which may
# be an order or a review.
OF_NO_PERSON = frozenset(
    {
        "link",
        "link_hash",
        "token",
        "identity",
        "merge_state",
        "domain_hash",
        "body_hash",
        "network",
        "subject",
    }
)
NO_SHOP = 0
_Joins = list[tuple[InfoColumn, InfoColumn]]


@cache
def columns() -> tuple[InfoColumn, ...]:
    """List every stored column, table by table; imports the tables of all packages."""
    for module in pkgutil.walk_packages(trustsvc.__path__, "trustsvc."):
        if module.name.rpartition(".")[2] in {"models", "event_log", "heartbeat", "clock_check"}:
            importlib.import_module(module.name)
    return tuple(column for table in metadata.sorted_tables for column in table.columns)


def personal() -> tuple[InfoColumn, ...]:
    """List the columns that hold data about people."""
    return tuple(column for column in columns() if column.info["category"] != "none")


def identifies_person(column: InfoColumn) -> bool:
    """Say whether it holds the pseudonym of a person, by which rows of one person are known."""
    return column.info["category"] == "pseudonym" and column.name not in OF_NO_PERSON


def is_encrypted(column: InfoColumn) -> bool:
    return isinstance(column.type, EncryptedType)


def is_number(column: InfoColumn) -> bool:
    """Say whether it is a bare number, such as the stars, which identifies nobody."""
    return column.type.python_type is int


def rows_with_shop(table: Table, own: list[InfoColumn]) -> Select[Any]:
    """Select these columns as stored, each row's shop id first; 0 where there is no shop.

    The shop is found over the shortest path of foreign keys.
    """
    joins, shop = _path_to_shop(table)
    stored = [type_coerce(c, LargeBinary) if is_encrypted(c) else c for c in own]
    statement = select(shop.label("shop"), *stored).select_from(table)
    for here, there in joins:
        statement = statement.outerjoin(there.table, here == there)
    return statement


def _path_to_shop(table: Table) -> tuple[_Joins, ColumnElement[Any]]:
    waiting: deque[tuple[Table, _Joins]] = deque([(table, [])])
    seen = {table.name}
    while waiting:
        here, joins = waiting.popleft()
        if here.name == "shops":
            return joins, here.c.id
        if "shop_id" in here.c:
            return joins, here.c.shop_id
        for key in sorted(here.foreign_keys, key=lambda key: key.parent.name):
            there = key.column.table
            if there.name not in seen:
                seen.add(there.name)
                waiting.append((there, [*joins, (key.parent, key.column)]))
    return [], literal(NO_SHOP)
