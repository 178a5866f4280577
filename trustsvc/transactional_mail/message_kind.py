"""Transactional mail as a kind of message: it leaves first, and twice rather than never.

At most three times: a person is not written to without end because a server never answers.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from trustsvc.mail.outbox.kinds import (
    Defer,
    Drop,
    LeasedMessage,
    MessageDraft,
    OutboxEvent,
    Priority,
    ReportedMessage,
)
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import DUE
from trustsvc.shops import directory
from trustsvc.transactional_mail.compose import TransactionalDraft
from trustsvc.transactional_mail.models import MESSAGE_KIND, transactional_messages


@dataclass(frozen=True, slots=True)
class TransactionalMail:
    names: tuple[str, ...] = (MESSAGE_KIND,)
    priority: Priority = Priority.URGENT
    obeys_send_suspension: bool = False
    resend_after_unknown: bool = True  # a person waits for it

    def lockable(self, due: Select[Any]) -> Select[Any]:
        return due.with_for_update(of=messages, skip_locked=True)

    def prepare(
        self,
        session: Session,
        leased: Sequence[LeasedMessage],
        now: datetime,
        before: Collection[MessageDraft] = (),
    ) -> Mapping[int, Drop | Defer | MessageDraft]:
        """Read the contents; what was erased meanwhile is dropped."""
        table = transactional_messages.c
        rows = session.execute(
            select(
                table.id,
                table.shop_id,
                table.template,
                table.language,
                table.address,
                table.name,
                table.facts,
            ).where(table.id.in_([one.subject_id for one in leased]), table.address.is_not(None))
        ).all()
        shops = directory.by_ids(session, {row.shop_id for row in rows})
        drafts = {
            row.id: TransactionalDraft(
                template=row.template,
                language=row.language,
                recipient=row.address,
                name=row.name or "",
                facts=row.facts,
                shop=shops.get(row.shop_id),
            )
            for row in rows
        }
        return {one.id: drafts.get(one.subject_id) or Drop("no_contact") for one in leased}

    def settled(self, session: Session, events: Sequence[OutboxEvent], now: datetime) -> None:
        """Clear recipient and contents of a message, once it is at its end."""
        _clear(session, {one.message.subject_id for one in events if one.state is not DUE})

    def log(self, session: Session, events: Sequence[OutboxEvent], now: datetime) -> None:
        """Write nothing: the decision log is about orders."""

    def still_open(self) -> Select[int]:
        table = transactional_messages.c
        return select(table.id).where(table.address.is_not(None))

    def reported(
        self, session: Session, message: ReportedMessage, report_kind: str, code: str, now: datetime
    ) -> str:
        """Clear the contents where it arrived or never will, also before its sender settles it.

        An answer to somebody is no reason to stop other messages.
        """
        if report_kind in {"delivered", "complaint", "hard"}:
            _clear(session, {message.subject_id})
        return report_kind


def _clear(session: Session, ids: Collection[int]) -> None:
    if ids:
        session.execute(
            update(transactional_messages)
            .where(transactional_messages.c.id.in_(ids))
            .values(address=None, name=None, facts=None)
        )


TRANSACTIONAL = TransactionalMail()
