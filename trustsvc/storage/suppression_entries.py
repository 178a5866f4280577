"""The suppression journal's entries in the database, which carries them to every host's file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import BigInteger, LargeBinary, Table, Text, insert, select, text
from sqlalchemy.orm import Session

from trustsvc.storage import db
from trustsvc.storage.columns import EPOCH, Id, Moment, column, metadata

EntryKind = Literal[
    "opt_out",
    "opt_in_again",
    "unregister",
    "restrict",
    "lift_restriction",
    "withdraw_review",
    "anonymise_review",
    "cancel_order",
    "journal",
]
ENTRY_KINDS: dict[str, EntryKind] = {kind: kind for kind in get_args(EntryKind)}
# What ends an earlier entry. Where one is lost the earlier one stays, which is the safe side.
ENDING: frozenset[EntryKind] = frozenset({"opt_in_again", "lift_restriction"})
RETENTION = "suppression_journal"
BATCH_SIZE = 5000
MILLISECOND = timedelta(milliseconds=1)

suppression_entries = Table(
    "suppression_entries",
    metadata,
    column("id", Id, purpose="the order of the entries", retention=RETENTION, primary_key=True),
    column("kind", Text, purpose="what a restore does again", retention=RETENTION),
    # EVERY_SHOP: the subject is made with the registry's key, else with the shop's own.
    column("shop_id", BigInteger, purpose="at which shop", retention=RETENTION),
    column(
        "subject",
        LargeBinary,
        purpose="recognise the person, order or review that a restored backup must leave alone",
        retention=RETENTION,
        category="pseudonym",
        index=True,
    ),
    column("at", Moment, purpose="when it was asked for", retention=RETENTION),
    column("reason", Text, purpose="why, as a code", retention=RETENTION),
    sqlite_autoincrement=True,  # an id of a row that was rolled back may come again, no other
)
_COLUMNS = tuple(suppression_entries.c)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry; equal to another of the same content, whatever their ids.

    `id` is that of the row, and 0 for an entry that was only in a file.
    """

    kind: EntryKind
    subject: bytes
    shop_id: int
    at: datetime
    reason: str
    id: int = field(default=0, compare=False)


def add(session: Session, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """Add entries with this transaction; gives them with their ids."""
    if not entries:
        return []
    statement = insert(suppression_entries).returning(
        suppression_entries.c.id, sort_by_parameter_order=True
    )
    stored = [_as_stored(entry) for entry in entries]
    ids = session.scalars(statement, [_row(entry) for entry in stored]).all()
    return [replace(entry, id=number) for entry, number in zip(stored, ids, strict=True)]


def add_known(session: Session, entries: Sequence[JournalEntry]) -> None:
    """Add entries of a restored journal under the ids that they had.

    One without an id, or whose id another has, gets a new one; there, what ends an earlier entry
    is left out, as it would then also end what came after it.
    """
    taken = {entry.id: entry for entry in every(session)}
    known, again = set(taken.values()), list[JournalEntry]()
    rows = []
    for entry in entries:
        if entry in known:
            continue
        known.add(entry)
        if entry.id and entry.id not in taken:
            taken[entry.id] = entry
            rows.append(_row(entry) | {"id": entry.id})
        elif entry.kind not in ENDING:
            again.append(entry)
    if rows:
        session.execute(insert(suppression_entries), rows)
    if rows and not db.is_sqlite():
        session.execute(
            text(
                "SELECT setval(pg_get_serial_sequence('suppression_entries', 'id'), "
                "(SELECT max(id) FROM suppression_entries))"
            )
        )
    add(session, again)


def after(session: Session, last: int) -> Iterator[JournalEntry]:
    """Read the entries with a higher id, in the order of their ids."""
    statement = (
        select(*_COLUMNS).where(suppression_entries.c.id > last).order_by(suppression_entries.c.id)
    )
    for row in session.execute(statement.execution_options(yield_per=BATCH_SIZE)):
        kind = ENTRY_KINDS[row.kind]
        yield JournalEntry(kind, bytes(row.subject), row.shop_id, row.at, row.reason, row.id)


def every(session: Session) -> Iterator[JournalEntry]:
    """Read all entries, in the order of their ids."""
    return after(session, -1)


def _as_stored(entry: JournalEntry) -> JournalEntry:
    """Write it as a line of the file can hold it, so that row and line are equal."""
    at = EPOCH + (entry.at - EPOCH) // MILLISECOND * MILLISECOND
    return replace(entry, at=at, reason="_".join(entry.reason.split()) or "-")


def _row(entry: JournalEntry) -> dict[str, object]:
    return {
        "kind": entry.kind,
        "shop_id": entry.shop_id,
        "subject": entry.subject,
        "at": entry.at,
        "reason": entry.reason,
    }
