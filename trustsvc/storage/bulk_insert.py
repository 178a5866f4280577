"""Insert many rows at once, by a statement whose text is built once.

SQLAlchemy builds a statement for each call, and more for each row: with group commit that took
longer than the database did.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain, islice
from typing import Any

from sqlalchemy import Dialect, Row, Table
from sqlalchemy.orm import Session

Processor = Callable[[Any], object] | None

# Rows a statement: few texts, so that each is parsed once a connection.
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

    def execute(
        self, session: Session, rows: Sequence[Sequence[object]]
    ) -> list[Row[*tuple[Any, ...]]]:
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
        inserted: list[Row[*tuple[Any, ...]]] = []
        for chunk in _chunks(values):
            text = self.text(connection.dialect, len(chunk))
            done = connection.exec_driver_sql(text, tuple(chain.from_iterable(chunk)))
            if self.returning:
                inserted += done.all()
        return inserted

    @cached_property
    def columns(self) -> tuple[Any, ...]:
        return tuple(self.table.c[name] for name in self.names)

    def _processors(self, dialect: Dialect) -> tuple[Processor, ...]:
        return tuple(one.type.dialect_impl(dialect).bind_processor(dialect) for one in self.columns)

    def _text(self, dialect: Dialect, number: int) -> str:
        placeholder = "?" if dialect.paramstyle == "qmark" else "%s"
        row = f"({', '.join([placeholder] * len(self.names))})"
        quote = dialect.identifier_preparer.quote
        words = [
            f"INSERT INTO {quote(self.table.name)} ({', '.join(map(quote, self.names))})",
            f"VALUES {', '.join([row] * number)}",
        ]
        if self.unless_same is not None:
            target = f"({', '.join(map(quote, self.unless_same))}) " if self.unless_same else ""
            words.append(f"ON CONFLICT {target}DO NOTHING")
        if self.returning:
            words.append(f"RETURNING {', '.join(map(quote, self.returning))}")
        return " ".join(words)


def _chunks(rows: Sequence[list[object]]) -> Iterator[list[list[object]]]:
    left = iter(rows)
    number = len(rows)
    for size in CHUNKS:
        while number >= size:
            yield list(islice(left, size))
            number -= size
