"""Copy the database into one file, and load one file as the database."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect, make_url

from trustsvc import config
from trustsvc.backup import scratch
from trustsvc.backup.manifest import sqlite_path
from trustsvc.errors import Refused
from trustsvc.storage import db


def dump(to: Path) -> None:
    """Copy the database as of one moment into a new file; blocks nobody.

    Raises Refused with a sentence if it fails.
    """
    if db.is_sqlite():
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _copy(to)
        except sqlite3.Error as problem:
            # Only the error's name, such as SQLITE_FULL: its text may hold data.
            raise Refused(
                f"The database could not be copied ({problem.sqlite_errorname}): is there room for "
                "it twice where the backup goes, and is the database whole?"
            ) from None
    else:
        db.require_direct()  # pg_dump sets a search path
        _run("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={to}"])


def _copy(to: Path) -> None:
    with closing(sqlite3.connect(sqlite_path())) as source, closing(_open(to)) as copy:
        source.execute("PRAGMA busy_timeout = 10000")
        # All pages in one step; in several, each write would restart the copy.
        source.backup(copy)
        _check(copy)


def load(source: Path) -> None:
    """Load a file as the database, which must be empty: all of it, or nothing.

    Raises Refused with a sentence if it fails.
    """
    if not is_empty():
        raise Refused("The database is not empty.")
    if db.is_sqlite():
        with closing(_open(source)) as copy:
            _check(copy)
        db.dispose_engines()
        path = sqlite_path()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in (path, *_sidecar_files(path)):
            file.unlink(missing_ok=True)
        try:
            os.link(source, path)
        except FileExistsError:
            raise Refused("A database was created meanwhile: stop trustsvc first.") from None
        scratch.sync_folder(path.parent)
    else:
        db.require_direct()
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        _run("pg_restore", [*options, str(source)])
        db.dispose_engines()


def is_empty() -> bool:
    """Say whether there is no table; creates no file."""
    if config.current().database_url.startswith("sqlite"):
        path = sqlite_path()
        if not path.exists() or not (
            path.stat().st_size or any(p.exists() for p in _sidecar_files(path))
        ):
            return True
    return not inspect(db.engine()).get_table_names()


def _sidecar_files(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}-{end}") for end in ("wal", "shm")]


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def _check(copy: sqlite3.Connection) -> None:
    try:
        # One plain file: a -wal file beside it would not be copied.
        copy.execute("PRAGMA journal_mode = DELETE")
        answer = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError:
        answer = None
    if answer != ("ok",):
        raise Refused("The copy of the database is damaged: check the disk (PRAGMA quick_check).")


def _run(program: str, options: Sequence[str]) -> None:
    executable = shutil.which(program)
    if executable is None:
        raise Refused(
            f"{program} is not installed: install PostgreSQL's client programs, of the server's "
            "version or newer (Debian: apt-get install postgresql-client)."
        )
    url = make_url(config.current().database_url)
    from psycopg.conninfo import make_conninfo

    parts = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    parts |= {name: str(value) for name, value in url.query.items() if name != "password"}
    known = {name: str(value) for name, value in parts.items() if value is not None}
    password = url.password or url.query.get("password")
    # In the environment, because every user can read another's command line.
    environ = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    command = [executable, "--no-password", f"--dbname={make_conninfo(**known)}", *options]
    done = subprocess.run(command, env=environ, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        # The output may hold rows, so only a version mismatch is looked for.
        mismatch = b"version mismatch" in done.stderr
        raise Refused(
            f"{program} is older than the server: install the server's version."
            if mismatch
            else f"{program} failed (code {done.returncode}): is the database reachable, and may "
            "this user read and write all of it?"
        )
