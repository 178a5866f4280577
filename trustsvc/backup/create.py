"""Create a backup: one file, while the service runs, without the keys."""

import os
from datetime import datetime
from pathlib import Path

from trustsvc import __version__, migrations
from trustsvc.backup import archive, database, scratch
from trustsvc.backup.manifest import (
    CANARY,
    FORMAT,
    Manifest,
    authenticated,
    database_kind,
    key_checks,
)
from trustsvc.crypto import encrypted_column, keyring
from trustsvc.errors import Refused
from trustsvc.storage import suppression_copy, suppression_journal


def write(path: Path, now: datetime) -> Manifest:
    """Write the whole database into a new file of mode 0600; needs no Redis.

    Without the keys on purpose: with them it would hold everybody's address in clear. The file
    appears complete under its name or not at all; nothing is overwritten. Raises Refused.
    """
    if path.exists() or path.is_symlink():
        raise Refused("There is a file of that name already: a backup overwrites nothing.")
    if not path.parent.is_dir():
        raise Refused("The folder for the backup is not there.")
    if database.is_empty():
        raise Refused("There is nothing to back up: this database is empty.")
    keyring.make_all()
    suppression_journal.create()
    # So that the database of this backup says that this file's lines are in it.
    suppression_copy.copy(now, at_once=True)
    # Counted before the copy, so that an entry in between counts as newer than the backup.
    journal = suppression_journal.read()
    if journal is None:
        raise Refused("The file suppressions/journal cannot be read: see trustsvc doctor.")
    try:
        with scratch.scratch_folder(path.parent, ".trustsvc-backup-") as folder:
            copy = folder / "database"
            database.dump(copy)
            manifest = Manifest(
                format=FORMAT,
                trustsvc=__version__,
                database=database_kind(),
                migration=migrations.revision() or "",
                at=now.isoformat(timespec="seconds"),
                size=copy.stat().st_size,
                keys=key_checks(),
                canary=encrypted_column.encrypt(CANARY).decode(),
                suppressions_id=journal.id,
                suppressions_lines=len(journal.lines),
                suppressions_damaged=journal.damaged,
            )
            manifest = authenticated(manifest, archive.sha256(copy))
            archive.write(folder / "backup", manifest, copy)
            os.link(folder / "backup", path)
            scratch.sync_folder(path.parent)
    except FileExistsError:
        raise Refused(
            "There is a file of that name already: a backup overwrites nothing."
        ) from None
    except OSError as problem:
        why = os.strerror(problem.errno) if problem.errno else "unknown"
        raise Refused(f"The backup could not be written: {why}.") from None
    return manifest
