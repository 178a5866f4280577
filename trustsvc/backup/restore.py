"""Make a house from a backup: on an empty database, with the keys that belong to it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trustsvc import clock_check, config, migrations
from trustsvc.backup import archive, database, replay, scratch
from trustsvc.backup.manifest import Manifest, check_keys, database_kind
from trustsvc.badge import refresh
from trustsvc.clock import Reading
from trustsvc.errors import Refused
from trustsvc.mail.outbox import restore_hold, send_suspension
from trustsvc.storage import db, suppression_journal


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it. `stopped` says why no letter leaves, as a code; None when they do."""

    manifest: Manifest
    replayed: int
    newest: datetime | None
    set_aside: int
    badges: int
    stopped: str | None


def restore(path: Path, wall: Reading, *, nothing_sent_since: bool = False) -> Restored:
    """Put a backup in place, tell it who said stop since, and render the badges.

    Everything is looked at before anything is written. From the first write to the last no letter
    leaves, and after that only when the file of suppressions knows of everybody who said stop.
    Letters that may have left since the backup was made are set aside (mail/outbox/restore_hold.py),
    unless the operator knows that none did. One that breaks off is begun again on an empty
    database. Raises Refused.
    """
    now = wall.at
    manifest, content = archive.check(path)
    _look(manifest, content)
    book = suppression_journal.read()
    stopped = replay.problem(manifest, book)
    suppression_journal.path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    send_suspension.unfinished().touch(mode=0o600)
    scratch.sync_folder(send_suspension.unfinished().parent)
    with scratch.scratch_folder(config.current().data, ".restore-") as place:
        copy = place / "database"
        if archive.copy_database(path, copy) != content:
            raise Refused("The backup was changed while it was read: nothing was restored.")
        database.load(copy)
    migrations.upgrade()
    with db.transaction() as session:
        replayed = replay.replay(session, book, manifest, now) if book else 0
        set_aside = 0 if nothing_sent_since else restore_hold.doubt(session, now)
        clock_check.restart(session, wall)
        send_suspension.go_on(session, send_suspension.CLOCK)
        if stopped:
            send_suspension.stop(session, send_suspension.RESTORE, stopped, now)
    with db.reading() as session:
        badges = refresh.refresh_changed(session, now)
    send_suspension.unfinished().unlink()
    newest = max((line.at for line in book.lines), default=None) if book else None
    return Restored(manifest, replayed, newest, set_aside, badges, stopped)


def resume_sending() -> bool:
    """Let letters leave again, because the operator says so; False when nothing kept them.

    Raises Refused after a restore that broke off: that database never heard who said stop.
    """
    if send_suspension.unfinished().exists():
        raise Refused(
            "The last restore did not end: empty the database and restore again. If the database "
            "is whole and was never restored, remove suppressions/restoring in TRUSTSVC_DATA."
        )
    with db.transaction() as session:
        return send_suspension.go_on(session, send_suspension.RESTORE)


def _look(manifest: Manifest, content: bytes) -> None:
    if manifest.database != database_kind():
        raise Refused(
            f"The backup is of {manifest.database}, and TRUSTSVC_DATABASE_URL names "
            f"{database_kind()}: restore onto the same kind of database."
        )
    if not migrations.knows(manifest.migration):
        raise Refused(
            f"The backup was made by trustsvc {manifest.trustsvc}, which is newer: install that."
        )
    if not database.is_empty():
        raise Refused(
            "The database here is not empty: a backup is restored onto an empty data folder or "
            "database only. Nothing was changed."
        )
    check_keys(manifest, content)
