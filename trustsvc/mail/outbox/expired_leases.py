"""Take back the messages of senders that died."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, literal, or_
from sqlalchemy.orm import Session

from trustsvc import clock_check
from trustsvc.mail.outbox import lease_renewal
from trustsvc.mail.outbox.kinds import LeasedMessage, MessageKind, OutboxEvent
from trustsvc.mail.outbox.models import LEASED_MESSAGE, messages
from trustsvc.mail.outbox.state import DUE, HANDED, LEASED, UNKNOWN, message_states
from trustsvc.storage import db
from trustsvc.storage.columns import Moment


def expire(session: Session, now: datetime, kinds: Sequence[MessageKind]) -> int:
    """Take back leases of these kinds that ran out; gives how many.

    A message whose DATA was not ended is due again. One that was handed may have arrived
    (RFC 1047). Its kind decides: it is due again, or it becomes unknown, is shown to staff and is
    not sent again by itself. A lease that ends later than one taken now was written while the clock
    was ahead: it counts as run out, or its message would wait for years.
    """
    return sum(_expire(session, now, kind) for kind in kinds)


def _expire(session: Session, now: datetime, kind: MessageKind) -> int:
    is_expired = or_(
        messages.c.leased_until < now,
        messages.c.leased_until > now + lease_renewal.LEASE + clock_check.MAX_DRIFT,
    )
    mine = messages.c.kind.in_(kind.names)
    safe = (LEASED, HANDED) if kind.resend_after_unknown else (LEASED,)
    again = session.execute(
        message_states.update(messages, safe, DUE)
        .where(mine, is_expired)
        .values(lease=None, leased_until=None)
    )
    if kind.resend_after_unknown:
        return db.row_count(again)
    lost = session.execute(
        message_states.update(messages, (HANDED,), UNKNOWN)
        .where(mine, is_expired)
        .values(
            reason="sender_died",
            sent_at=case(
                (messages.c.leased_until < now, messages.c.leased_until), else_=literal(now, Moment)
            ),
        )
        .returning(*LEASED_MESSAGE)
    ).all()
    events = [
        OutboxEvent(LeasedMessage(*row), "send", "sender_died", "unknown", UNKNOWN) for row in lost
    ]
    kind.log(session, events, now)
    return db.row_count(again) + len(lost)
