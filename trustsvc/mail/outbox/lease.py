"""Lease the messages that are due, after reading every reason not to send them."""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.mail.outbox import domain_throttle, due, retry_policy, send_suspension, settle
from trustsvc.mail.outbox.kinds import (
    Defer,
    Drop,
    LeasedMessage,
    MessageDraft,
    MessageKind,
    Priority,
)
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.settle import LeasedDraft
from trustsvc.mail.outbox.state import DUE, LEASED, message_states

BATCH_SIZE = 500
OTHERS_SHARE = 4  # one message in four is none of an urgent kind, as long as others are due
MIN_READ = 50
MAX_BATCHES_READ = 10  # messages that wait for their domain must not stand before the others
logger = log.get_logger("mail")


@dataclass(slots=True)
class _Prepared:
    """What is to become of leased messages; seconds are what counts as waiting."""

    drop: list[tuple[LeasedMessage, str]] = field(default_factory=list)
    defer: dict[int, tuple[datetime, int]] = field(default_factory=dict)
    drafts: list[tuple[LeasedMessage, MessageDraft]] = field(default_factory=list)


def lease(
    session: Session, now: datetime, kinds: Sequence[MessageKind], limit: int = BATCH_SIZE
) -> list[LeasedDraft]:
    """Lease up to `limit` due messages of these kinds for MESSAGE_LEASE from now.

    Urgent kinds go first; a share is left to the others, so that a flood of urgent messages does
    not keep them back.

    Reasons not to send are read in the transaction that takes the lease, so whatever was committed
    before it stops the message; what comes later is read by `still_allowed`. A message with a
    reason is dropped; one that may leave later is deferred; one whose domain had enough for now
    waits for its slot. Kinds that obey a send suspension are not leased during one.
    """
    lease_token = secrets.token_bytes(16)  # one for all: whoever has it has them all
    is_suspended = bool(send_suspension.stops(session))
    leasable = [kind for kind in kinds if not (is_suspended and kind.obeys_send_suspension)]
    urgent = [kind for kind in leasable if kind.priority is Priority.URGENT]
    others = [kind for kind in leasable if kind.priority is not Priority.URGENT]
    share = limit - limit // OTHERS_SHARE if others else limit
    ready = _lease_kinds(session, urgent, lease_token, now, share)
    has_more = len(ready) == share
    ready += _lease_kinds(session, others, lease_token, now, limit - len(ready))
    if has_more:
        ready += _lease_kinds(session, urgent, lease_token, now, limit - len(ready))
    return ready


def still_allowed(
    session: Session, kind: MessageKind, some: Sequence[LeasedDraft], now: datetime
) -> list[LeasedDraft]:
    """Read every reason not to send once more, in the transaction before the end of DATA.

    Gives those that may leave. A round can last minutes. A message that may not leave is dropped,
    or deferred. Whether the lease is lost, or sending suspended, is read by whoever marks the
    messages as handed.
    """
    before = [one.draft for one in some]
    prepared = _prepare(session, kind, [one.message for one in some], now, before)
    recipients = {row.id: draft.recipient for row, draft in prepared.drafts}
    allowed = [one for one in some if recipients.get(one.message.id) == one.draft.recipient]
    if len(allowed) < len(some):
        # What is left of these was composed for an address that was corrected.
        may_leave = {one.message.id for one in allowed}
        later = {row.id: (now, 0) for row, _ in prepared.drafts if row.id not in may_leave}
        _set_aside(session, kind, some, prepared, prepared.defer | later, now)
    return allowed


def _set_aside(
    session: Session,
    kind: MessageKind,
    some: Sequence[LeasedDraft],
    prepared: _Prepared,
    later: dict[int, tuple[datetime, int]],
    now: datetime,
) -> None:
    """Drop or defer those that are still ours; none during a suspension."""
    if kind.obeys_send_suspension and send_suspension.stops(session):
        return
    ours = set(
        session.scalars(
            select(messages.c.id).where(
                messages.c.id.in_([one.message.id for one in some]),
                messages.c.lease == some[0].lease,
                messages.c.state == LEASED,
            )
        )
    )
    settle.drop(session, kind, [one for one in prepared.drop if one[0].id in ours], now)
    _defer(session, {one: moment for one, moment in later.items() if one in ours})


def _lease_kinds(
    session: Session, kinds: Sequence[MessageKind], lease_token: bytes, now: datetime, limit: int
) -> list[LeasedDraft]:
    """Lease up to `limit` messages; a kind that fails (a row no key decrypts) stops no other."""
    ready: list[LeasedDraft] = []
    for kind in kinds:
        try:
            with session.begin_nested():
                ready += _lease_kind(session, kind, lease_token, now, limit - len(ready))
        except SQLAlchemyError:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever a kind's own code raises
            logger.error("mail.kind_not_leased", kind=kind.names[0], error=type(problem).__name__)  # noqa: TRY400
    return ready


def _lease_kind(
    session: Session, kind: MessageKind, lease_token: bytes, now: datetime, limit: int
) -> list[LeasedDraft]:
    ready: list[LeasedDraft] = []
    # Not many more than may leave: each is decrypted, and locked for other mailers.
    size = min(BATCH_SIZE, max(MIN_READ, 2 * limit))
    for _ in range(MAX_BATCHES_READ):
        left = limit - len(ready)
        rows = due.take(session, kind, lease_token, now, size) if left > 0 else []
        if rows:
            ready += _divide(session, kind, rows, lease_token, now, left)
        if len(rows) < size:
            break
    return ready


def _divide(
    session: Session,
    kind: MessageKind,
    rows: Sequence[LeasedMessage],
    lease_token: bytes,
    now: datetime,
    limit: int,
) -> list[LeasedDraft]:
    """Keep those that may leave now, at most `limit`; the others are dropped, deferred or due."""
    prepared = _prepare(session, kind, rows, now)
    domains = domain_throttle.hashes({row.id: one.recipient for row, one in prepared.drafts})
    slots = domain_throttle.slots(
        session, domains, now, ignores_throttle=kind.priority is Priority.URGENT
    )
    over = []
    for row, _ in prepared.drafts:
        if at := slots.later.get(row.id):
            # What a domain makes a message wait for counts like a wait between two attempts.
            waits = row.id in slots.throttled
            if waits and retry_policy.is_over(row.waited_s):
                over.append(row)
            else:
                seconds = math.ceil((at - now).total_seconds()) if waits else 0
                prepared.defer[row.id] = (at, seconds)
    awake = [
        LeasedDraft(
            message=row,
            lease=lease_token,
            draft=draft,
            domain=domains[row.id],
            domain_defers=domains[row.id] in slots.deferring,
        )
        for row, draft in prepared.drafts
        if row.id not in slots.later
    ]
    settle.drop(session, kind, prepared.drop, now)
    settle.refuse_at_limit(session, kind, over, now)
    _defer(session, prepared.defer)
    settle.give_back(session, lease_token, [one.message.id for one in awake[limit:]])
    return awake[:limit]


def _prepare(
    session: Session,
    kind: MessageKind,
    rows: Sequence[LeasedMessage],
    now: datetime,
    before: Sequence[MessageDraft] = (),
) -> _Prepared:
    prepared = _Prepared()
    decisions = kind.prepare(session, rows, now, before)
    for row in rows:
        decision = decisions[row.id]
        if isinstance(decision, Drop):
            prepared.drop.append((row, decision.reason))
        elif isinstance(decision, Defer):
            prepared.defer[row.id] = (decision.until, 0)
        else:
            prepared.drafts.append((row, decision))
    return prepared


def _defer(session: Session, later: dict[int, tuple[datetime, int]]) -> None:
    """Make leased messages due at these moments; no attempt is counted."""
    if later:
        session.connection().execute(
            message_states.update(messages, (LEASED,), DUE)
            .where(messages.c.id == bindparam("one"))
            .values(
                due_at=bindparam("at"),
                waited_s=messages.c.waited_s + bindparam("seconds"),
                lease=None,
                leased_until=None,
            ),
            [{"one": one, "at": at, "seconds": seconds} for one, (at, seconds) in later.items()],
        )
