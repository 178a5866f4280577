"""Make a backup: one file, while the service runs, without the keys."""

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
from trustsvc.storage import suppression_journal


def write(path: Path, now: datetime) -> Manifest:
    """Write everything in the database into a new file of mode 0600; needs no Redis.

    The keys are not in it, on purpose: with them it would be everybody's addresses in clear. The
    file appears whole under its name or not at all; nothing is overwritten. Raises Refused.
    """
    if path.exists() or path.is_symlink():
        raise Refused("There is a file of that name already: a backup overwrites nothing.")
    if not path.parent.is_dir():
        raise Refused("The folder for the backup is not there.")
    if database.is_empty():
        raise Refused("There is nothing to back up: this database is empty.")
    keyring.make_all()
    suppression_journal.create()
    # Counted before the copy is made: a wish that comes between is in the file, whatever happens.
    book = suppression_journal.read()
    if book is None:
        raise Refused("The file suppressions/marks cannot be understood: see trustsvc doctor.")
    try:
        with scratch.scratch_folder(path.parent, ".trustsvc-backup-") as place:
            copy = place / "database"
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
                suppressions_id=book.id,
                suppressions_lines=len(book.lines),
                suppressions_damaged=book.damaged,
            )
            manifest = authenticated(manifest, archive.sha256(copy))
            archive.write(place / "backup", manifest, copy)
            os.link(place / "backup", path)
            scratch.sync_folder(path.parent)
    except FileExistsError:
        raise Refused(
            "There is a file of that name already: a backup overwrites nothing."
        ) from None
    except OSError as problem:
        why = os.strerror(problem.errno) if problem.errno else "unknown"
        raise Refused(f"The backup could not be written: {why}.") from None
    return manifest
