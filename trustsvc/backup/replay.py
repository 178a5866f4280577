"""Tell a restored database what people wished after its backup was made."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc.backup import replay_opt_outs, replay_rights
from trustsvc.backup.manifest import Manifest
from trustsvc.crypto import keyring
from trustsvc.invitations import redeem
from trustsvc.orders import cancellation
from trustsvc.registry.models import registered_buyers
from trustsvc.reviews import withdraw
from trustsvc.reviews.models import reviews
from trustsvc.storage import suppression_journal
from trustsvc.storage.suppression_journal import JournalEntry

MOST_AT_ONCE = 500
# What a database knew of cancelled orders when it was copied need not be told again; a clock that
# was set in between is allowed for.
MARGIN = timedelta(days=2)

_Any = TypeVar("_Any")


def problem(manifest: Manifest, book: suppression_journal.Journal | None) -> str | None:
    """Say why the file of wishes may not know of everybody, as a code; None when it does.

    The file must be the one of that house, have the lines it had when the backup was made, all that
    came since must be readable, and the keys its marks were made with must be here.
    """
    if book is None:
        return "no_suppressions"
    if book.id != manifest.suppressions_id:
        return "other_suppressions"
    if len(book.lines) < manifest.suppressions_lines:
        return "older_suppressions"
    if book.damaged > manifest.suppressions_damaged:
        return "damaged_suppressions"
    if not all(_has_key(line) for line in book.lines):
        return "unknown_keys"
    return None


def _has_key(line: JournalEntry) -> bool:
    """Whether the key a mark was made with is here: without it nobody is recognised by it."""
    if line.kind in {"withdraw", "anonymise"} or len(line.mark) < 2:
        return True
    number = line.mark[1]  # see crypto/pseudonyms.py
    kind = "lookup" if line.shop_id else "registry"
    return any(key.version == number for key in keyring.existing_keys(kind))


def replay(
    session: Session, book: suppression_journal.Journal, manifest: Manifest, now: datetime
) -> int:
    """Carry out every wish of the file in a restored database; gives how many lines there were.

    All lines, not only the newer ones: what is there already stays as it is, so twice does no harm.
    What is open for the people concerned is withdrawn and their contact forgotten. Who registered
    again after having left stays registered.
    """
    of: dict[str, list[JournalEntry]] = {kind: [] for kind in suppression_journal.KINDS}
    for line in book.lines:
        of[line.kind].append(line)
    frozen = [line for line in book.lines if line.kind in {"restrict", "lift"}]
    for some in _some(of["anonymise"]):
        replay_rights.anonymise(session, some, now)
    asking = [line for line in book.lines if line.kind in {"opt_out", "again"}]
    replay_opt_outs.replay(session, asking, now)
    _leave(session, of["leave"])
    _take_back(session, of["withdraw"], now)
    replay_rights.restrict(session, frozen, now)
    since = datetime.fromisoformat(manifest.at) - MARGIN
    _cancel(session, [line for line in of["cancel"] if line.at >= since], now)
    return len(book.lines)


def _leave(session: Session, lines: Sequence[JournalEntry]) -> None:
    left: dict[bytes, datetime] = {}
    for line in lines:
        left[line.mark] = max(line.at, left.get(line.mark, line.at))
    for some in _some(sorted(left)):
        rows = session.execute(
            select(registered_buyers.c.mark, registered_buyers.c.at).where(
                registered_buyers.c.mark.in_(some)
            )
        )
        gone = [row.mark for row in rows if row.at <= left[bytes(row.mark)]]
        session.execute(delete(registered_buyers).where(registered_buyers.c.mark.in_(gone)))


def _take_back(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    for some in _some(lines):
        public = [line.mark.decode("ascii", "replace") for line in some]
        ids = session.scalars(select(reviews.c.id).where(reviews.c.public_id.in_(public))).all()
        withdraw.empty(session, ids, now)


def _cancel(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    for some in _some(lines):
        _withdraw(session, cancellation.again(session, some, now), "cancelled", now)


def _withdraw(session: Session, ids: Sequence[int], reason: str, now: datetime) -> None:
    for some in _some(ids):
        redeem.withdraw(session, some, reason, now)


def _some(everything: Sequence[_Any]) -> Iterator[Sequence[_Any]]:
    for start in range(0, len(everything), MOST_AT_ONCE):
        yield everything[start : start + MOST_AT_ONCE]
