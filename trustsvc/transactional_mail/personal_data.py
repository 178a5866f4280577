"""The personal data of transactional mail, found by the pseudonym of its address."""

from collections.abc import Collection

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.mail.outbox import pending
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db
from trustsvc.storage.columns import TableRows
from trustsvc.transactional_mail.enqueue import THE_SERVICE
from trustsvc.transactional_mail.models import MESSAGE_KIND, transactional_messages


def recipient_pseudonyms(address: str) -> list[bytes]:
    """Give the pseudonyms of an address, one a key; raises NotAnAddress."""
    return pseudonyms.shop_pseudonyms(THE_SERVICE, address)


def mail_rows(session: Session, who: Collection[bytes]) -> TableRows:
    """Give every message to this address that is still known, and what became of it."""
    table, of_message = transactional_messages, messages.c
    rows = session.execute(
        select(table, of_message.state, of_message.due_at, of_message.sent_at, of_message.reason)
        .outerjoin(
            messages, and_(of_message.subject_id == table.c.id, of_message.kind == MESSAGE_KIND)
        )
        .where(table.c.recipient_pseudonym.in_(who))
        .order_by(table.c.id)
    ).mappings()
    return {"transactional_messages": [dict(row) for row in rows]}


def erase_mail(session: Session, who: Collection[bytes]) -> int:
    """Delete messages to this address, sent or not; whatever confirms it is written afterwards."""
    table = transactional_messages.c
    theirs = session.scalars(select(table.id).where(table.recipient_pseudonym.in_(who))).all()
    return erase_messages(session, theirs)


def erase_messages(session: Session, ids: Collection[int]) -> int:
    """Delete messages with what they say; one that is being sent does not leave."""
    # Contents before messages, as when they are settled: in another order they would deadlock.
    gone = delete(transactional_messages).where(transactional_messages.c.id.in_(ids))
    number = db.row_count(session.execute(gone))
    pending.remove(session, [MESSAGE_KIND], ids)
    return number
