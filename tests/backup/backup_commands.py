"""Make backups and restore them by the command line, into another machine's empty data folder."""

import os
import shutil
from contextlib import contextmanager

from click.testing import CliRunner

from tests import servers
from trustsvc import cli, config
from trustsvc.storage import db


def run_command(*words):
    done = CliRunner().invoke(cli.main, [str(word) for word in words])
    assert "Traceback" not in done.output
    return done


@contextmanager
def elsewhere(installation, tmp_path, request, *, keys=True, suppressions=True, name="elsewhere"):
    """Live on another machine with an empty database, and what was copied to it; then go back."""
    place = tmp_path / name
    place.mkdir()
    for folder, is_copied in (("keys", keys), ("suppressions", suppressions)):
        if is_copied and (installation.data / folder).exists():
            shutil.copytree(installation.data / folder, place / folder)
    environ = {"TRUSTSVC_DATA": str(place), "TRUSTSVC_REDIS_URL": installation.redis_url}
    drop = None
    if installation.database_url.startswith("postgresql"):
        server = request.getfixturevalue("postgres")
        environ["TRUSTSVC_DATABASE_URL"], drop = servers.empty_database(server)
    config.use(config.load(environ))
    try:
        yield config.current()
    finally:
        db.dispose_engines()
        if drop:
            drop()
        config.use(installation)


def flip(path, at):
    with path.open("r+b") as file:
        file.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
