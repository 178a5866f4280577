"""Building blocks of tables: ids, moments, and columns tagged with purpose and retention."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, TypedDict, Unpack

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Index,
    Integer,
    MetaData,
    TextClause,
    event,
    text,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TableRows = dict[str, list[dict[str, object]]]  # whole rows, by table
EVERY_SHOP = 0  # the shop_id of a row that applies at every shop

# What a column holds, for the records of processing; templates/words/*/documents.toml names each
# in words.
# "none" is no personal data at all; "contact" is name and address together.
Category = Literal[
    "none",
    "name",
    "address",
    "place",
    "order",
    "detail",
    "contact",
    "opinion",
    "published",
    "pseudonym",
    "traffic",
    "staff",
    "secret",
]


class Moment(TypeDecorator[datetime]):
    """A point in time, kept as whole milliseconds since 1970 UTC, the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // timedelta(milliseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(milliseconds=int(value))


def sorted_afterwards(number: Column[int]) -> ColumnElement[int]:
    """Give what to ORDER BY so that no index is chosen for the order.

    With two values of a key SQLite takes the index that has the order, and so goes through all
    rows of a shop instead of finding two.
    """
    return number + 0


def one_of(name: str, values: type[StrEnum]) -> str:
    """Give the CHECK of a column that holds one of an enum's values."""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return f"{name} IN ({listed})"


class ColumnOptions(TypedDict, total=False):
    """What SQLAlchemy's Column takes, and our tables use."""

    nullable: bool
    primary_key: bool
    unique: bool
    index: bool
    autoincrement: bool
    server_default: ColumnElement[bool] | str


def column(
    name: str,
    kind: TypeEngine[Any] | type[TypeEngine[Any]],
    *constraints: SchemaItem,
    purpose: str,
    retention: str,
    category: Category = "none",
    **options: Unpack[ColumnOptions],
) -> Column[Any]:
    """Declare a column with its purpose, its retention rule and the category of what it holds.

    The Art. 30 record, the notice and the export are made from these; an untagged column fails the
    tests, and `retention` must name a rule of privacy/retention/rules.py.
    """
    options.setdefault("nullable", False)
    info = {"purpose": purpose, "retention": retention, "category": category}
    return Column(name, kind, *constraints, info=info, **options)


def index_of_states(name: str, states: Iterable[StrEnum], *columns: str) -> Index:
    """Make an index of these columns that holds only the rows in these states."""
    return partial_index(name, in_states(states), *columns)


def in_states(states: Iterable[StrEnum]) -> TextClause:
    """Give the SQL condition of such an index.

    A query repeats it: SQLite uses an index of several states only if the text is the same.
    """
    listed = [f"'{state.value}'" for state in states]
    return text(f"state = {listed[0]}" if len(listed) == 1 else f"state IN ({', '.join(listed)})")


def partial_index(name: str, rows: TextClause, *columns: str) -> Index:
    """Make an index of these columns that holds only the rows of which a condition is true."""
    index = Index(name, *columns, sqlite_where=rows)

    # As an argument of Index() it would import PostgreSQL's dialect into every process: 50 ms.
    @event.listens_for(index, "before_create")
    def _on_postgresql(index: Index, connection: Connection, **_: object) -> None:
        if connection.dialect.name == "postgresql":
            index.dialect_kwargs["postgresql_where"] = rows

    return index
