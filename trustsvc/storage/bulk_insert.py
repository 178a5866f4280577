"""Insert many rows at once, by a statement whose text is built once.

SQLAlchemy builds a statement for each call, and more for each row: with group commit that took
longer than the database did.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain, islice
from typing import Any

from sqlalchemy import Column, Dialect, RowMapping, Table, Text
from sqlalchemy.orm import Session

_Processor = Callable[[Any], object] | None

# Rows a statement on SQLite: few texts, so that each is parsed once a connection.
CHUNKS = (64, 16, 4, 1)


class BulkInsert:
    """An INSERT of rows that are not there yet; a row that is there stays as it is.

    `unless_same` names the columns of the unique index that decides; empty: any index, None: a row
    that is there is an error. Values are given in the order of `names`, as the columns take them.
    """

    def __init__(
        self,
        table: Table,
        names: Sequence[str],
        *,
        unless_same: Sequence[str] | None = None,
        returning: Sequence[str] = (),
    ) -> None:
        self.table = table
        self.names = tuple(names)
        self.unless_same = unless_same
        self.returning = tuple(returning)
        self.text = lru_cache(maxsize=2 * len(CHUNKS))(self._text)
        self.processors = lru_cache(maxsize=2)(self._processors)

    def execute(self, session: Session, rows: Sequence[Sequence[object]]) -> list[RowMapping]:
        """Insert the rows; gives what is `returning` of those that were not there."""
        connection = session.connection()
        processors = self.processors(connection.dialect)
        values = [
            [
                value if convert is None else convert(value)
                for convert, value in zip(processors, row, strict=True)
            ]
            for row in rows
        ]
        inserted: list[RowMapping] = []
        for number, parameters in _statements(connection.dialect, values):
            done = connection.exec_driver_sql(self.text(connection.dialect, number), parameters)
            if self.returning:
                inserted += done.mappings().all()
        return inserted

    @cached_property
    def columns(self) -> tuple[Column[Any], ...]:
        return tuple(self.table.c[name] for name in self.names)

    def _processors(self, dialect: Dialect) -> tuple[_Processor, ...]:
        known = [one.type.dialect_impl(dialect).bind_processor(dialect) for one in self.columns]
        if _is_sqlite(dialect):
            return tuple(known)
        # The driver takes a list's type from its first value.
        return tuple(
            _plain if isinstance(column.type, Text) else convert
            for column, convert in zip(self.columns, known, strict=True)
        )

    def _text(self, dialect: Dialect, number: int) -> str:
        quote = dialect.identifier_preparer.quote
        words = [f"INSERT INTO {quote(self.table.name)} ({', '.join(map(quote, self.names))})"]
        if _is_sqlite(dialect):
            row = f"({', '.join('?' * len(self.names))})"
            words.append(f"VALUES {', '.join([row] * number)}")
        else:
            types = (dialect.type_compiler_instance.process(one.type) for one in self.columns)
            arrays = ", ".join(f"%s::{one}[]" for one in types)
            words.append(f"SELECT * FROM unnest({arrays})")  # noqa: S608 - no value, only types
        if self.unless_same is not None:
            target = f"({', '.join(map(quote, self.unless_same))}) " if self.unless_same else ""
            words.append(f"ON CONFLICT {target}DO NOTHING")
        if self.returning:
            words.append(f"RETURNING {', '.join(map(quote, self.returning))}")
        return " ".join(words)


def _statements(
    dialect: Dialect, rows: Sequence[list[object]]
) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Give the rows of each statement, in chunks on SQLite, in columns on PostgreSQL."""
    if not _is_sqlite(dialect):
        if rows:
            yield 0, tuple(map(list, zip(*rows, strict=True)))
        return
    left = iter(rows)
    number = len(rows)
    for size in CHUNKS:
        while number >= size:
            yield size, tuple(chain.from_iterable(islice(left, size)))
            number -= size


def _is_sqlite(dialect: Dialect) -> bool:
    return dialect.name == "sqlite"


def _plain(value: str | None) -> str | None:
    return None if value is None else str(value)
