"""Whose data a table, a key or a backup held: for the first hours after a breach (GDPR Art. 33).

Works on any database of ours, an older one inside a backup too. Counts by shop and category; names
people only as far as what is kept allows: by address where one is held, by keyed mark elsewhere.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Column, inspect, select
from sqlalchemy.orm import Session

from trustsvc.crypto import encrypted_column
from trustsvc.privacy.documents import data_inventory
from trustsvc.privacy.shop_of_row import rows_with_shop
from trustsvc.shops.models import shops

SERVICE = "-"  # what belongs to no shop: the registry, staff
BITE = 1000
KNOWN_BY = ("buyer", "mark", "who")  # the columns that tell one person from another
ColumnTest = Callable[
    [Column[Any], int, Any], bool
]  # is what this shop's row has stored concerned?


@dataclass(slots=True)
class AffectedPerson:
    """What is known of one person at one shop. Never logged."""

    address: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    mark: str = ""


@dataclass(slots=True)
class BreachScope:
    """Stored values by (shop, table, category), and who is behind them by (shop, who)."""

    values: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    people: dict[tuple[str, str], AffectedPerson] = field(default_factory=dict, repr=False)
    unopened: int = 0  # sealed with a key that is not here

    def people_by_shop(self) -> dict[str, int]:
        """Say how many people there are at least: rows of nobody known may be of one who is."""
        known, unknown = Counter[str](), Counter[tuple[str, str]]()
        for (shop, who), person in self.people.items():
            if person.mark or person.address:
                known[shop] += 1
            else:
                unknown[shop, who.partition(" ")[0]] += 1
        least = {shop: known[shop] for shop, _, _ in self.values}
        for (shop, _), number in unknown.items():
            least[shop] = max(least[shop], number)
        return least


def any_value(_column: Column[Any], _shop: int, _stored: Any) -> bool:
    return True


def scope(
    session: Session, columns: Collection[Column[Any]], test: ColumnTest = any_value
) -> BreachScope:
    """Look through these columns, a bite of rows at a time; one that is empty does not count."""
    found, wanted = BreachScope(), set(columns)
    slugs = {row.id: row.slug for row in session.execute(select(shops.c.id, shops.c.slug))}
    there = inspect(session.connection())
    tables = set(there.get_table_names())
    for table in dict.fromkeys(column.table for column in columns):
        known = (
            {one["name"] for one in there.get_columns(table.name)} if table.name in tables else ()
        )
        own = [
            column
            for column in table.c
            if column.name in known and (column in wanted or column.name in KNOWN_BY)
        ]
        if not own:
            continue
        rows = session.execute(rows_with_shop(table, own).execution_options(yield_per=BITE))
        for number, (shop_id, *stored) in enumerate(rows):
            held = {
                column: value
                for column, value in zip(own, stored, strict=True)
                if value is not None and column in wanted and test(column, shop_id or 0, value)
            }
            if held:
                beside = dict(zip(own, stored, strict=True))
                _note(found, slugs.get(shop_id, SERVICE), held, beside, f"{table.name} {number}")
    return found


def _note(
    found: BreachScope,
    shop: str,
    held: Mapping[Column[Any], Any],
    beside: Mapping[Column[Any], Any],
    nobody: str,
) -> None:
    """Note one row. Sealed values are opened: one that was emptied is nobody's."""
    opened = {column: _open(found, column, value) for column, value in held.items()}
    filled = {column: value for column, value in opened.items() if value != ""}
    if not filled:
        return
    for column in filled:
        found.values[shop, column.table.name, column.info["category"]] += 1
    if all(column.table is shops for column in filled):
        return  # a shop's secret is no person's
    marks = [bytes(v).hex() for c, v in beside.items() if c.name in KNOWN_BY and v is not None]
    words = {c.info["category"]: v for c, v in filled.items() if isinstance(v, str)}
    address, name = words.get("address", ""), words.get("name") or words.get("staff", "")
    who = marks[0] if marks else address or nobody
    person = found.people.setdefault((shop, who), AffectedPerson(mark=marks[0] if marks else ""))
    person.address = person.address or address
    person.name = person.name or name


def _open(found: BreachScope, column: Column[Any], value: Any) -> Any:
    if not data_inventory.is_encrypted(column):
        return value
    try:
        return encrypted_column.decrypt(bytes(value))
    except InvalidToken:
        found.unopened += 1
        return None
