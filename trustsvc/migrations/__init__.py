"""Numbered migrations: expand, then contract; never edited after they landed."""

from pathlib import Path
from typing import TYPE_CHECKING

from trustsvc.storage import db

if TYPE_CHECKING:  # Alembic is a tenth of the start of a process, and most of them migrate nothing
    from alembic.config import Config
    from alembic.script import ScriptDirectory


def upgrade(to: str = "head") -> None:
    """Migrate the database to a revision; twice changes nothing."""
    _run("upgrade", to)


def downgrade(to: str) -> None:
    _run("downgrade", to)


def is_current() -> bool:
    """Say whether the database is at the newest migration of this code."""
    return revision() == _scripts().get_current_head()


def revision() -> str | None:
    """Give the migration that the database is at; None for an empty one."""
    from alembic.runtime.migration import MigrationContext

    with db.engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def knows(number: str) -> bool:
    """Say whether this code has a migration; one of a newer trustsvc it has not."""
    known = _scripts().walk_revisions()
    return number in {one.revision for one in known}


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
