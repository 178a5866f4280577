"""The transaction right before the end of DATA: the last look, what was before, and `handed`."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Update, bindparam, exists, select
from sqlalchemy.orm import Session

from trustsvc.mail.outbox import kinds, lease, lease_renewal, send_suspension, settle
from trustsvc.mail.outbox.kinds import MessageKind
from trustsvc.mail.outbox.models import messages, send_suspensions
from trustsvc.mail.outbox.settle import LeasedDraft, LeasedResult
from trustsvc.mail.outbox.state import DUE, HANDED, LEASED, message_states


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Ids of the messages that may leave; domains throttled from now; whether sending is suspended.

    A suspension is looked for only where it may be why a message may not leave.
    """

    ids: Collection[int]
    throttled: Collection[bytes]
    is_suspended: bool


def hand_over(
    session: Session, group: Sequence[LeasedDraft], before: Sequence[LeasedResult], now: datetime
) -> HandedOver:
    """Settle the messages before, and mark as handed what of this group may leave.

    Each message has its lease still, no reason not to send, and no suspension of its kind. All are
    of one lease. The last look comes after the settling, which may wait for others' locks.
    """
    throttled = settle.settle(session, before, now)
    allowed = _still_allowed(session, group, now)
    ids: set[int] = set()
    for obeys in (False, True):
        some = [one for one in allowed if _obeys_send_suspension(one) is obeys]
        if some:
            ids |= _mark_handed(session, some, now, obeys=obeys)
    obeyed = any(_obeys_send_suspension(one) for one in group if one.message.id not in ids)
    is_suspended = obeyed and bool(send_suspension.stops(session))
    return HandedOver(ids, throttled, is_suspended)


def take_back(session: Session, lease_token: bytes, ids: Collection[int]) -> None:
    """Make messages due again whose hand-over may be on disk, and which certainly did not leave."""
    if ids:
        session.execute(
            message_states.update(messages, (HANDED,), DUE)
            .where(messages.c.lease == lease_token, messages.c.id.in_(ids))
            .values(lease=None, leased_until=None)
        )


def _still_allowed(
    session: Session, group: Sequence[LeasedDraft], now: datetime
) -> list[LeasedDraft]:
    by_kind: dict[MessageKind, list[LeasedDraft]] = defaultdict(list)
    for one in group:
        by_kind[kinds.by_name(one.message.kind)].append(one)
    allowed: list[LeasedDraft] = []
    for kind, some in by_kind.items():
        allowed += lease.still_allowed(session, kind, some, now)
    return allowed


def _obeys_send_suspension(one: LeasedDraft) -> bool:
    return kinds.by_name(one.message.kind).obeys_send_suspension


def _mark_handed(
    session: Session, some: Sequence[LeasedDraft], now: datetime, *, obeys: bool
) -> set[int]:
    """Mark messages as handed; gives those that were: not where the lease is lost."""
    if obeys and send_suspension.unfinished().exists():
        return set()
    values = {
        "by": some[0].lease,
        "now": now,
        "until": now + lease_renewal.MESSAGE_LEASE,
        **{f"id{at}": one.message.id for at, one in enumerate(some)},
    }
    done = session.connection().execute(_handing(len(some), obeys), values)
    return {row.id for row in done}


@cache
def _handing(number: int, obeys: bool) -> Update:
    """Build the UPDATE of so many messages once: that takes longer than to execute it."""
    ids = [bindparam(f"id{at}", type_=messages.c.id.type) for at in range(number)]
    statement = (
        message_states.update(messages, (LEASED,), HANDED)
        .where(
            messages.c.id.in_(ids),
            messages.c.lease == bindparam("by"),
            messages.c.leased_until > bindparam("now"),
        )
        .values(leased_until=bindparam("until"))
        .returning(messages.c.id)
    )
    return statement.where(~exists(select(send_suspensions.c.name))) if obeys else statement
