"""Whose data a table, a key or a backup held: the scope of a breach (GDPR Art. 33).

Works on any database of ours, also on an older one inside a backup. Counts by shop and category;
names people as far as stored data allows: by address where one is held, else by pseudonym.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Column, Connection, Table, inspect, select
from sqlalchemy.orm import Session

from trustsvc.crypto import encrypted_column
from trustsvc.privacy.documents import data_inventory
from trustsvc.privacy.models import disclosure_log
from trustsvc.shops.models import shops
from trustsvc.storage.suppression_entries import suppression_entries

# A shop's secret belongs to no person. A person may have many entries in the journal, and an order
# or a review some: they would not be the least number of people.
NO_PERSONS = (shops, suppression_entries)
SERVICE = "-"  # in place of a shop: the registry, staff
BATCH_SIZE = 1000
ColumnTest = Callable[[Column[Any], int, object], bool]  # does this shop's stored value count?


@dataclass(slots=True)
class AffectedPerson:
    """What is known of one person at one shop. Never logged."""

    address: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    pseudonym: str = ""


@dataclass(slots=True)
class BreachScope:
    """Stored values by (shop, table, category), and the people behind them by (shop, who)."""

    values: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    people: dict[tuple[str, str], AffectedPerson] = field(default_factory=dict, repr=False)
    unopened: int = 0  # encrypted with a key that is not here

    def people_by_shop(self) -> dict[str, int]:
        """Give the least number of people: an anonymous row may belong to a known person."""
        known, unknown = Counter[str](), Counter[tuple[str, str]]()
        for (shop, who), person in self.people.items():
            if person.pseudonym or person.address:
                known[shop] += 1
            else:
                unknown[shop, who.partition(" ")[0]] += 1
        least = {shop: known[shop] for shop, _, _ in self.values}
        for (shop, _), number in unknown.items():
            least[shop] = max(least[shop], number)
        return least


def any_value(_column: Column[Any], _shop: int, _stored: object) -> bool:
    return True


def scope(
    session: Session, columns: Collection[Column[Any]], test: ColumnTest = any_value
) -> BreachScope:
    """Read these columns in batches and count each stored value that is not empty."""
    reached, wanted = BreachScope(), set(columns)
    slugs = {row.id: row.slug for row in session.execute(select(shops.c.id, shops.c.slug))}
    for table, own in _present(session.connection(), wanted):
        rows = data_inventory.rows_with_shop(table, own).execution_options(yield_per=BATCH_SIZE)
        for number, (shop_id, *stored) in enumerate(session.execute(rows)):
            row = dict(zip(own, stored, strict=True))
            affected = {
                column: value
                for column, value in row.items()
                if value is not None and column in wanted and test(column, shop_id or 0, value)
            }
            if affected:
                shop = slugs.get(shop_id, SERVICE)
                _add_row(reached, shop, affected, row, f"{table.name} {number}")
    return reached


def record_disclosure(session: Session, what: str, number: int, by: str, now: datetime) -> None:
    """Log that people were listed, before the list is shown; never who is on it."""
    session.execute(disclosure_log.insert().values(at=now, what=what, number=number, by=by))


def _present(
    connection: Connection, wanted: Collection[Column[Any]]
) -> Iterator[tuple[Table, list[Column[Any]]]]:
    """Give the tables and columns to read that this database, maybe an older one, has."""
    inspector = inspect(connection)
    names = set(inspector.get_table_names())
    for table in dict.fromkeys(c.table for c in data_inventory.columns() if c in wanted):
        if table.name not in names:
            continue
        known = {one["name"] for one in inspector.get_columns(table.name)}
        own = [
            column
            for column in table.c
            if column.name in known
            and (column in wanted or data_inventory.identifies_person(column))
        ]
        if own:
            yield table, own


def _add_row(
    reached: BreachScope,
    shop: str,
    affected: Mapping[Column[Any], Any],
    row: Mapping[Column[Any], Any],
    anonymous: str,
) -> None:
    """Count one row. Encrypted values are opened: an emptied one belongs to nobody."""
    opened = {column: _open(reached, column, value) for column, value in affected.items()}
    filled = {column: value for column, value in opened.items() if value != ""}
    if not filled:
        return
    for column in filled:
        reached.values[shop, column.table.name, column.info["category"]] += 1
    if all(column.table in NO_PERSONS for column in filled):
        return
    pseudonyms = [
        bytes(value).hex()
        for column, value in row.items()
        if value is not None and data_inventory.identifies_person(column)
    ]
    texts = {c.info["category"]: v for c, v in filled.items() if isinstance(v, str)}
    address, name = texts.get("address", ""), texts.get("name") or texts.get("staff", "")
    who = pseudonyms[0] if pseudonyms else address or anonymous
    new = AffectedPerson(pseudonym=pseudonyms[0] if pseudonyms else "")
    person = reached.people.setdefault((shop, who), new)
    person.address = person.address or address
    person.name = person.name or name


def _open(reached: BreachScope, column: Column[Any], value: Any) -> Any:
    if not isinstance(column.type, encrypted_column.EncryptedText):
        return value  # a random id says nothing of anybody
    try:
        return encrypted_column.decrypt(bytes(value))
    except InvalidToken:
        reached.unopened += 1
        return None
