"""Replay the suppression journal on a restored database."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc.backup import replay_opt_outs, replay_rights
from trustsvc.backup.manifest import Manifest
from trustsvc.invitations import redeem
from trustsvc.orders import cancellation
from trustsvc.registry.models import registered_buyers
from trustsvc.reviews import withdraw
from trustsvc.reviews.models import reviews
from trustsvc.storage.batches import batches
from trustsvc.storage.suppression_entries import ENTRY_KINDS, JournalEntry

# Cancellations older than the backup need no replay; the margin allows for a corrected clock.
MARGIN = timedelta(days=2)


def replay(
    session: Session, lines: Sequence[JournalEntry], manifest: Manifest, now: datetime
) -> int:
    """Apply every journal entry to a restored database; gives how many say something of a person.

    All entries, not only newer ones: applying one twice changes nothing. Open invitations of the
    people concerned are withdrawn and their contacts erased. Whoever registered again later stays
    registered.
    """
    of: dict[str, list[JournalEntry]] = {kind: [] for kind in ENTRY_KINDS}
    for line in lines:
        of[line.kind].append(line)
    restrictions = [line for line in lines if line.kind in {"restrict", "lift_restriction"}]
    for batch in batches(of["anonymise_review"]):
        replay_rights.anonymise(session, batch, now)
    opting = [line for line in lines if line.kind in {"opt_out", "opt_in_again"}]
    replay_opt_outs.replay(session, opting, now)
    _unregister(session, of["unregister"])
    _withdraw_reviews(session, of["withdraw_review"], now)
    replay_rights.restrict(session, restrictions, now)
    since = datetime.fromisoformat(manifest.at) - MARGIN
    _cancel_orders(session, [line for line in of["cancel_order"] if line.at >= since], now)
    return len(lines) - len(of["journal"])


def _unregister(session: Session, lines: Sequence[JournalEntry]) -> None:
    until: dict[bytes, datetime] = {}
    for line in lines:
        until[line.subject] = max(line.at, until.get(line.subject, line.at))
    for batch in batches(sorted(until)):
        rows = session.execute(
            select(registered_buyers.c.pseudonym, registered_buyers.c.at).where(
                registered_buyers.c.pseudonym.in_(batch)
            )
        )
        gone = [row.pseudonym for row in rows if row.at <= until[bytes(row.pseudonym)]]
        session.execute(delete(registered_buyers).where(registered_buyers.c.pseudonym.in_(gone)))


def _withdraw_reviews(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    for batch in batches(lines):
        public = [line.subject.decode("ascii", "replace") for line in batch]
        ids = session.scalars(select(reviews.c.id).where(reviews.c.public_id.in_(public))).all()
        withdraw.clear_content(session, ids, now)


def _cancel_orders(session: Session, lines: Sequence[JournalEntry], now: datetime) -> None:
    for batch in batches(lines):
        for reason, ids in cancellation.replay(session, batch, now).items():
            why, accepts_buyer = cancellation.withdrawal_of(reason)
            redeem.withdraw(session, ids, why, now, accepts_buyer=accepts_buyer)
