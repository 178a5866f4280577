"""Restore a backup onto an empty database, with the keys that belong to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trustsvc import clock_check, config, migrations
from trustsvc.backup import archive, database, journals, replay, scratch
from trustsvc.backup.manifest import Manifest, check_keys, database_kind
from trustsvc.badge import refresh
from trustsvc.clock import Reading
from trustsvc.errors import Refused
from trustsvc.invitations import restore_hold
from trustsvc.mail.outbox import send_suspension
from trustsvc.orders.catch_up import connections
from trustsvc.storage import db, suppression_copy, suppression_entries, suppression_journal


@dataclass(frozen=True, slots=True)
class Restored:
    """The outcome. `suspended` says why sending is suspended, as a code; None if it is not."""

    manifest: Manifest
    replayed: int
    newest: datetime | None
    held: int
    badges: int
    suspended: str | None


def restore(
    path: Path,
    wall: Reading,
    *,
    other_journals: Sequence[Path] = (),
    nothing_sent_since: bool = False,
) -> Restored:
    """Load a backup, replay the suppression journals, and render the badges.

    Everything is checked before anything is written. No message leaves until the end, and then only
    if the journal is complete. Messages that may have left since the backup are held
    (invitations/restore_hold.py). Orders that may have been asked about are not fetched again
    (orders/catch_up/connections.py). Neither happens if the operator knows that no message left.
    After an interruption begin again on an empty database. Raises Refused.
    """
    now = wall.at
    manifest, content = archive.check(path)
    _check_compatible(manifest, content)
    files = journals.gather(other_journals)
    lines = journals.union(files)
    suppression_journal.path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    send_suspension.unfinished().touch(mode=0o600)
    scratch.sync_folder(send_suspension.unfinished().parent)
    with scratch.scratch_folder(config.current().data, ".restore-") as folder:
        copy = folder / "database"
        if archive.copy_database(path, copy) != content:
            raise Refused("The backup was changed while it was read: nothing was restored.")
        database.load(copy)
    migrations.upgrade()
    with db.transaction() as session:
        stored = set(suppression_entries.every(session))
        suspended = journals.problem(manifest, files, stored)
        replayed = replay.replay(session, lines, manifest, now)
        suppression_entries.add_known(session, lines)
        held = 0 if nothing_sent_since else restore_hold.hold(session, now)
        if not nothing_sent_since:
            connections.skip_possibly_asked(session, now)
        clock_check.restart(session, wall)
        send_suspension.resume(session, send_suspension.CLOCK)
        if suspended:
            send_suspension.stop(session, send_suspension.RESTORE, suspended, now)
    suppression_copy.forget()
    suppression_copy.copy(now, at_once=True)
    with db.reading() as session:
        badges = refresh.refresh_changed(session, now)
    send_suspension.unfinished().unlink()
    newest = max((line.at for line in lines if line.kind != "journal"), default=None)
    return Restored(manifest, replayed, newest, held, badges, suspended)


def resume_sending() -> bool:
    """Resume sending on the operator's word; False if it was not suspended.

    Raises Refused after an interrupted restore: that database has not replayed the journal.
    """
    if send_suspension.unfinished().exists():
        raise Refused(
            "The last restore did not end: empty the database and restore again. If the database "
            "is whole and was never restored, remove suppressions/restoring in TRUSTSVC_DATA."
        )
    with db.transaction() as session:
        return send_suspension.resume(session, send_suspension.RESTORE)


def _check_compatible(manifest: Manifest, content: bytes) -> None:
    if manifest.database != database_kind():
        raise Refused(
            f"The backup is of {manifest.database}, and TRUSTSVC_DATABASE_URL names "
            f"{database_kind()}: restore onto the same kind of database."
        )
    if not migrations.knows(manifest.migration):
        raise Refused(
            f"The backup was made by trustsvc {manifest.trustsvc}, at migration "
            f"{manifest.migration}; this is {migrations.this()}, which is older: install "
            f"trustsvc {manifest.trustsvc} or a newer one, then restore. Nothing was changed."
        )
    if not database.is_empty():
        raise Refused(
            "The database here is not empty: a backup is restored onto an empty data folder or "
            "database only. Nothing was changed."
        )
    check_keys(manifest, content)
