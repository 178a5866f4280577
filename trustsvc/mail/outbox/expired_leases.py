"""Take back the messages of senders that died."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, TextClause, case, literal, or_, select
from sqlalchemy.orm import Session

from trustsvc import clock_check
from trustsvc.mail.outbox import lease_renewal, retry_policy
from trustsvc.mail.outbox.kinds import LeasedMessage, MessageKind, OutboxEvent
from trustsvc.mail.outbox.models import HELD_BY_SENDER, LEASED_MESSAGE, messages
from trustsvc.mail.outbox.state import DUE, HANDED, LEASED, UNKNOWN, message_states
from trustsvc.storage import db
from trustsvc.storage.columns import Moment, in_states


def expire(session: Session, now: datetime, kinds: Sequence[MessageKind]) -> int:
    """Take back leases of these kinds that ran out; gives how many.

    A message whose DATA was not ended is due again. One that was handed may have arrived
    (RFC 1047). Its kind decides: it is due again, retry_policy.MAX_AUTOMATIC_RESENDS times at most,
    or it becomes unknown, is shown to staff and is not sent again by itself. A lease that ends
    later than one taken now was written while the clock was ahead: it counts as run out, or its
    message would wait for years.
    """
    return sum(_expire(session, now, kind) for kind in kinds)


def _expire(session: Session, now: datetime, kind: MessageKind) -> int:
    is_expired = or_(
        messages.c.leased_until < now,
        messages.c.leased_until > now + lease_renewal.MESSAGE_LEASE + clock_check.MAX_DRIFT,
    )
    where = (messages.c.kind.in_(kind.names), is_expired, in_states(HELD_BY_SENDER))
    given_back: dict[str, Any] = {"lease": None, "leased_until": None}
    unsent = message_states.update(messages, (LEASED,), DUE).where(*where).values(**given_back)
    number = db.row_count(session.execute(unsent))
    if kind.resend_after_unknown:
        again = (
            message_states.update(messages, (HANDED,), DUE)
            .where(*where, messages.c.resent < retry_policy.MAX_AUTOMATIC_RESENDS)
            .values(resent=messages.c.resent + 1, **given_back)
        )
        number += db.row_count(session.execute(again))
    return number + _set_unknown(session, now, kind, where)


def _set_unknown(
    session: Session,
    now: datetime,
    kind: MessageKind,
    where: Sequence[ColumnElement[bool] | TextClause],
) -> int:
    handed = select(*LEASED_MESSAGE).where(*where, messages.c.state == HANDED)
    expired = [LeasedMessage(**row._asdict()) for row in session.execute(handed)]
    if not expired:
        return 0
    kind.settled(session, [_event(one) for one in expired], now)
    lost = session.execute(
        message_states.update(messages, (HANDED,), UNKNOWN)
        .where(*where, messages.c.id.in_([one.id for one in expired]))
        .values(
            reason="sender_died",
            sent_at=case(
                (messages.c.leased_until < now, messages.c.leased_until), else_=literal(now, Moment)
            ),
        )
        .returning(*LEASED_MESSAGE)
    ).all()
    kind.log(session, [_event(LeasedMessage(**row._asdict())) for row in lost], now)
    return len(lost)


def _event(one: LeasedMessage) -> OutboxEvent:
    return OutboxEvent(one, "send", "sender_died", "unknown", UNKNOWN)
