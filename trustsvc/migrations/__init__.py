"""Numbered migrations: expand, then contract; never edited after they landed.

Alembic is a tenth of the start of a process and 8 MB of its memory: only a migration imports it.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import inspect, text

from trustsvc import __version__
from trustsvc.errors import Misconfigured
from trustsvc.storage import db

FOLDER = Path(__file__).parent


def upgrade(to: str = "head") -> None:
    """Migrate the database to a revision; twice changes nothing.

    Raises Misconfigured, and changes nothing, where a newer trustsvc migrated it.
    """
    refuse_newer()
    _run("upgrade", to)


def refuse_newer() -> None:
    """Raise Misconfigured where a newer trustsvc migrated the database."""
    if is_newer():
        raise Misconfigured(
            f"The database is at migration {revision()}, by a newer trustsvc; this is {this()}: "
            "install the newer one, or restore a backup from before into an empty data folder "
            "with this one. Nothing was changed."
        )


def downgrade(to: str) -> None:
    _run("downgrade", to)


def is_current() -> bool:
    """Say whether the database is at the newest migration of this code."""
    return revision() == _newest()


def is_newer() -> bool:
    """Say whether the database is at a migration that this code does not know."""
    number = revision()
    return number is not None and not knows(number)


def this() -> str:
    """Name this version and its newest migration."""
    return f"trustsvc {__version__}, at migration {_newest()}"


def revision() -> str | None:
    """Give the migration that the database is at; None for an empty one."""
    with db.engine().connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        number: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return number


def knows(number: str) -> bool:
    """Say whether this code has a migration; one of a newer trustsvc it has not."""
    return number in _numbers()


def _newest() -> str:
    return max(_numbers())


@cache
def _numbers() -> frozenset[str]:
    """Give the numbers of the migrations of this code, which their file names begin with."""
    return frozenset(path.name[:4] for path in FOLDER.glob("versions/[0-9]*.py"))


def _run(step: str, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    with db.engine().connect().execution_options(trustsvc_write=True) as connection:
        config.attributes["connection"] = connection
        getattr(command, step)(config, to)
        connection.commit()
