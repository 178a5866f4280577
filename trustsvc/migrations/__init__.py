"""Numbered migrations: expand, then contract; never edited after they landed."""

from pathlib import Path
from typing import TYPE_CHECKING

from trustsvc import __version__
from trustsvc.errors import Misconfigured
from trustsvc.storage import db

if TYPE_CHECKING:  # Alembic is a tenth of the start of a process, and most of them migrate nothing
    from alembic.config import Config
    from alembic.script import ScriptDirectory


def upgrade(to: str = "head") -> None:
    """Migrate the database to a revision; twice changes nothing.

    Raises Misconfigured, and changes nothing, where a newer trustsvc migrated it.
    """
    if is_newer():
        raise Misconfigured(
            f"The database is at migration {revision()}, by a newer trustsvc; this is {this()}: "
            "install the newer one, or restore a backup from before into an empty data folder "
            "with this one. Nothing was changed."
        )
    _run("upgrade", to)


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
    from alembic.runtime.migration import MigrationContext

    with db.engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def knows(number: str) -> bool:
    """Say whether this code has a migration; one of a newer trustsvc it has not."""
    known = _scripts().walk_revisions()
    return number in {one.revision for one in known}


def _newest() -> str | None:
    return _scripts().get_current_head()


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _run(step: str, to: str) -> None:
    from alembic import command

    config = _config()
    with db.engine().connect().execution_options(trustsvc_write=True) as connection:
        config.attributes["connection"] = connection
        getattr(command, step)(config, to)
        connection.commit()
