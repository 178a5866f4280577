"""Numbered migrations: expand, then contract; never edited after they landed."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from trustsvc.storage import db


def upgrade(to: str = "head") -> None:
    """Migrate the database to a revision; twice changes nothing."""
    _run(command.upgrade, to)


def downgrade(to: str) -> None:
    _run(command.downgrade, to)


def is_current() -> bool:
    """Say whether the database is at the newest migration of this code."""
    return revision() == ScriptDirectory.from_config(_config()).get_current_head()


def revision() -> str | None:
    """Give the migration that the database is at; None for an empty one."""
    with db.engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def knows(number: str) -> bool:
    """Say whether this code has a migration; one of a newer trustsvc it has not."""
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return number in {one.revision for one in known}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _run(step: Callable[[Config, str], None], to: str) -> None:
    config = _config()
    with db.engine().connect().execution_options(trustsvc_write=True) as connection:
        config.attributes["connection"] = connection
        step(config, to)
        connection.commit()
