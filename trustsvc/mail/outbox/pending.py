"""Add messages, and change the ones that have not left."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, delete, literal, update
from sqlalchemy.orm import Session

from trustsvc.crypto import signed_links
from trustsvc.mail.outbox import kinds
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import DROPPED, DUE, UNSENT, message_states
from trustsvc.storage import db
from trustsvc.storage.bulk_insert import BulkInsert
from trustsvc.storage.columns import Moment

_ADD = BulkInsert(
    messages,
    (
        *("kind", "subject_id", "shop_id", "priority", "token"),
        *("state", "due_at", "attempts", "reason"),
    ),
    unless_same=(),
)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """`dropped`: why it is written down and never sent, so that it is decided on once."""

    kind: str
    subject_id: int
    shop_id: int
    due_at: datetime
    dropped: str | None = None


def add(session: Session, new: Iterable[NewMessage]) -> None:
    """Add messages; a second one of a kind about the same subject changes nothing.

    Whoever adds enqueues `send_messages`. Raises UnregisteredKind.
    """
    rows = [
        (
            one.kind,
            one.subject_id,
            one.shop_id,
            int(kinds.by_name(one.kind).priority),
            signed_links.new_id(),
            message_states.begin(DROPPED if one.dropped else DUE),
            one.due_at,
            0,
            one.dropped,
        )
        for one in new
    ]
    _ADD.execute(session, rows)


def move(session: Session, due_at: Mapping[int, datetime]) -> None:
    """Change when messages are due, by message id; only for whoever has locked them as due."""
    if due_at:
        session.connection().execute(
            update(messages)
            .where(messages.c.id == bindparam("one"))
            .values(due_at=bindparam("at")),
            [{"one": message_id, "at": at} for message_id, at in due_at.items()],
        )


def drop(
    session: Session, names: Collection[str], subject_ids: Collection[int], reason: str
) -> list[int]:
    """Drop what has not left; gives its subjects. A sender that has one finds its lease lost."""
    if not subject_ids:
        return []
    dropped = session.scalars(
        message_states.update(messages, UNSENT, DROPPED)
        .where(messages.c.subject_id.in_(subject_ids), messages.c.kind.in_(names))
        .values(reason=reason)
        .returning(messages.c.subject_id)
    )
    return list(dropped)


def undrop(
    session: Session,
    names: Collection[str],
    subject_ids: Collection[int],
    reason: str,
    now: datetime,
) -> None:
    """Make due again what was dropped for this reason; what was due before is due now."""
    session.execute(
        message_states.update(messages, (DROPPED,), DUE)
        .where(
            messages.c.subject_id.in_(subject_ids),
            messages.c.kind.in_(names),
            messages.c.reason == reason,
        )
        .values(
            reason=None,
            lease=None,
            leased_until=None,
            due_at=case((messages.c.due_at < now, literal(now, Moment())), else_=messages.c.due_at),
        )
    )


def remove(session: Session, names: Collection[str], subject_ids: Collection[int]) -> int:
    """Delete messages and the reports about them; a sender that has one finds its lease lost."""
    return db.row_count(
        session.execute(
            delete(messages).where(
                messages.c.subject_id.in_(subject_ids), messages.c.kind.in_(names)
            )
        )
    )
