"""The tags of stored columns: why each is there, how long it is kept, what it holds."""

import importlib
import pkgutil
from functools import cache
from typing import Any, get_args

from sqlalchemy import Column

import trustsvc
from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.privacy.retention.rules import RULES
from trustsvc.storage.columns import Category, metadata

InfoColumn = Column[Any]
CATEGORIES: tuple[str, ...] = get_args(Category)
# What must never lie in clear: whoever gets a copy of the database must not read it.
MUST_BE_ENCRYPTED = ("name", "address", "place", "order", "contact", "opinion")


@cache
def columns() -> tuple[Column[Any], ...]:
    """Give every stored column of the house, table by table; loads the tables of all rooms."""
    for module in pkgutil.walk_packages(trustsvc.__path__, "trustsvc."):
        if module.name.rpartition(".")[2] in {"models", "event_log", "heartbeat", "clock_check"}:
            importlib.import_module(module.name)
    return tuple(column for table in metadata.sorted_tables for column in table.columns)


def personal() -> tuple[Column[Any], ...]:
    """Give the columns that hold data about people."""
    return tuple(column for column in columns() if column.info["category"] != "none")


def faults(column: Column[Any]) -> list[str]:
    """Say what is wrong with a column's tags; nothing for a good one."""
    found = []
    if not str(column.info.get("purpose", "")).strip():
        found.append("it does not say why it is there")
    if column.info.get("retention") not in RULES:
        found.append("it names no rule of retention")
    if column.info.get("category") not in CATEGORIES:
        found.append("it does not say what it holds")
    if (
        column.info.get("category") in MUST_BE_ENCRYPTED
        and not is_encrypted(column)
        and not is_number(column)
    ):
        found.append("it holds a name or an address in clear")
    return found


def is_encrypted(column: Column[Any]) -> bool:
    return isinstance(column.type, EncryptedText)


def is_number(column: Column[Any]) -> bool:
    """Say whether it is a bare number, such as the stars: nothing that names anybody."""
    return column.type.python_type is int
