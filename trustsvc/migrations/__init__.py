"""Numbered migrations: expand, then contract; never edited after they landed."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from trustsvc.storage import db


def upgrade(to: str = "head") -> None:
    """Bring the database to a migration; doing it twice changes nothing."""
    _run(command.upgrade, to)


def downgrade(to: str) -> None:
    _run(command.downgrade, to)


def is_current() -> bool:
    """Say whether the database is where this code expects it."""
    return revision() == ScriptDirectory.from_config(_config()).get_current_head()


def revision() -> str | None:
    """Say which migration the database is at; None for an empty one."""
    with db.engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def knows(number: str) -> bool:
    """Say whether a migration is one of ours: a database of a newer trustsvc is at another."""
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
