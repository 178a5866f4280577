"""Write each released schema down as SQL, with rows, for the tests that upgrade it.

`python -m tools.schemas` writes tests/migrations/schemas again: what each migration makes of an
empty database, on SQLite and PostgreSQL, and the rows of tools/schema_rows.py for each schema
listed in WITH_ROWS. A schema that was released never changes, and neither does its file: after a
new migration only files of its number are new.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from sqlalchemy import event

from tests import servers
from tools import schema_rows
from trustsvc import config, migrations
from trustsvc.storage import db

FOLDER = Path(__file__).parents[1] / "tests" / "migrations" / "schemas"
# The first, and each before or after which rows were moved.
WITH_ROWS = ("0001", "0002", "0006", "0008", "0009", "0010", "0011")
_SCHEMA = re.compile(r"\s*(CREATE|ALTER|DROP|COMMENT)\b")


def numbers() -> list[str]:
    """Give the numbers of all migrations, in order."""
    return sorted(path.name[:4] for path in migrations.FOLDER.glob("versions/[0-9]*.py"))


def steps(database_url: str) -> Iterator[tuple[str, str]]:
    """Migrate an empty database; gives each number with the statements that changed the schema."""
    with tempfile.TemporaryDirectory() as place:
        config.use(config.load({"TRUSTSVC_DATA": place, "TRUSTSVC_DATABASE_URL": database_url}))
        try:
            for number in numbers():
                statements: list[str] = []

                def keep(*seen: object, into: list[str] = statements) -> None:
                    if _SCHEMA.match(statement := str(seen[2])):
                        into.append(" ".join(statement.split()) + ";\n")

                event.listen(db.engine(), "before_cursor_execute", keep)
                migrations.upgrade(number)
                event.remove(db.engine(), "before_cursor_execute", keep)
                yield number, _text(one for one in statements if "alembic_version" not in one)
        finally:
            db.dispose_engines()
            config.use(None)


def _text(statements: Iterable[str]) -> str:
    """Join them; Alembic makes the indexes of a copied table in any order."""
    runs = groupby(statements, lambda one: one.startswith("CREATE INDEX"))
    return "".join(one for is_index, run in runs for one in (sorted(run) if is_index else run))


def row_statements(number: str) -> str:
    """Give the INSERTs of the rows of a schema, for either database: see `for_postgresql`."""
    lines = [
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(_literal, row.values()))});"
        for table, rows in schema_rows.rows(number).items()
        for row in rows
    ]
    return "".join(f"{line}\n" for line in lines)


def _literal(value: schema_rows.Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        return "'{}'".format(value.replace("'", "''"))
    return str(value).lower()


def released(database: str, number: str) -> str:
    """Give the SQL that makes a released schema with its rows in an empty database."""
    made = [
        (FOLDER / database / f"{one}.sql").read_text(encoding="utf-8")
        for one in numbers()
        if one <= number
    ]
    rows = (FOLDER / "rows" / f"{number}.sql").read_text(encoding="utf-8")
    if database == "postgresql":
        rows = re.sub(r"\bx'([0-9a-f]*)'", r"'\\x\1'", rows)
    version = (
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));\n"
        f"INSERT INTO alembic_version (version_num) VALUES ('{number}');\n"
    )
    return "".join(made) + version + rows


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        _write("sqlite", f"sqlite:///{place}/empty.db")
        for server in servers.postgres(Path(place)):
            _write("postgresql", servers.empty_database(server)[0])
    for number in WITH_ROWS:
        _file("rows", number, row_statements(number))


def _write(database: str, url: str) -> None:
    for number, text in steps(url):
        _file(database, number, text)


def _file(folder: str, number: str, text: str) -> None:
    (FOLDER / folder).mkdir(parents=True, exist_ok=True)
    (FOLDER / folder / f"{number}.sql").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
