"""The relay rate: how many messages our mail server takes a minute, learnt from its refusals.

In SQL: several mailers share it and a restart keeps it. A mail server that never refused for
having got too much has no row.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.mail import transport
from trustsvc.mail.outbox import relay_rate_policy
from trustsvc.mail.outbox.models import messages, relay_rates
from trustsvc.mail.outbox.relay_rate_policy import RelayRate, Taken
from trustsvc.mail.outbox.state import SENT
from trustsvc.storage import db

_random = secrets.SystemRandom()
_table = relay_rates.c
_COLUMNS = (
    _table.per_minute,
    _table.learnt_at,
    _table.grows_at,
    _table.next_slot_at,
    _table.step,
    _table.refusals,
    _table.paused_until,
)


class RelaySlots:
    """The moments at which messages may leave; `moments` is None while there is no limit."""

    def __init__(self, rate: RelayRate | None, moments: list[datetime] | None, most: int) -> None:
        self.rate = rate
        self.moments = moments
        self.limit = most if moments is None else len(moments)


def ask(session: Session, server: str, now: datetime, most: int) -> RelaySlots:
    """Say when the next messages may leave, at most so many.

    The row stays locked until the lease is committed, so two mailers get slots of their own.
    """
    rate = _read(session, server, lock=True)
    if rate is None or relay_rate_policy.is_forgotten(rate, now):
        return RelaySlots(None, None, most)
    return RelaySlots(rate, relay_rate_policy.slots(rate, most, now), most)


def leased(
    session: Session, server: str, slots: RelaySlots, count: int, now: datetime
) -> Sequence[datetime]:
    """Write down that so many slots are used; gives them, all now while there is no limit."""
    if slots.rate is None or slots.moments is None or not count:
        return [now] * count
    given = slots.moments[:count]
    rate = relay_rate_policy.used(slots.rate, given, now, all_=count == slots.limit)
    _write(session, server, rate)
    return given


def refused(session: Session, server: str, now: datetime, unsettled: int) -> int:
    """Learn from a refusal, with so many messages taken that are not settled yet.

    Gives the rate from now on, in messages a minute.
    """
    before = _read(session, server, lock=True)
    if before is not None and relay_rate_policy.is_forgotten(before, now):
        before = None
    number, since = session.execute(
        select(func.count(), func.min(messages.c.sent_at)).where(
            messages.c.sent_at > now - relay_rate_policy.WINDOW, messages.c.state == SENT
        )
    ).one()
    taken = Taken(number + unsettled, since)
    rate = relay_rate_policy.refused(before, taken, now, _random.uniform(0, 1))
    _write(session, server, rate)
    return rate.per_minute


def per_minute(session: Session, now: datetime) -> int | None:
    """Give the rate of the mail server of the settings; None while no limit is known."""
    rate = learnt(session, now)
    return rate.per_minute if rate else None


def learnt(session: Session, now: datetime) -> RelayRate | None:
    """Give what is known of the mail server of the settings; None while no limit is."""
    rate = _read(session, transport.server_name(config.current().mail_url), lock=False)
    return None if rate is None or relay_rate_policy.is_forgotten(rate, now) else rate


def _read(session: Session, server: str, *, lock: bool) -> RelayRate | None:
    query = select(*_COLUMNS).where(_table.name == server)
    row = session.execute(query.with_for_update() if lock else query).first()
    return RelayRate(*row) if row else None


def _write(session: Session, server: str, rate: RelayRate | None) -> None:
    if rate is None:
        session.execute(delete(relay_rates).where(_table.name == server))
        return
    values = {column.name: getattr(rate, column.name) for column in _COLUMNS}
    statement = db.insert(relay_rates).values(name=server, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
