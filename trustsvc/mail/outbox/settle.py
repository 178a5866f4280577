"""Write down what became of messages: sent, refused, dropped, unknown, or tried again later."""

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Update, bindparam
from sqlalchemy.orm import Session

from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import domain_throttle, retry_policy
from trustsvc.mail.outbox.kinds import (
    LeasedMessage,
    MessageDraft,
    MessageKind,
    OutboxEvent,
    by_name,
)
from trustsvc.mail.outbox.models import HELD_BY_SENDER, messages
from trustsvc.mail.outbox.state import (
    DROPPED,
    DUE,
    HANDED,
    LEASED,
    REFUSED,
    SENT,
    UNKNOWN,
    MessageState,
    message_states,
)
from trustsvc.storage.columns import in_states

SETTLED_AT_ONCE = 32  # a statement for each number of messages is kept

_random = secrets.SystemRandom()
_END_STATES = {
    SendStatus.SENT: SENT,
    SendStatus.REFUSED: REFUSED,
    SendStatus.UNKNOWN: UNKNOWN,
}
_AWAITING_RESULT = (LEASED, HANDED, UNKNOWN)


@dataclass(frozen=True, slots=True)
class LeasedDraft:
    """A leased message and what it takes to compose it.

    `domain_defers`: its domain deferred messages lately, so a success has to be noted.
    """

    message: LeasedMessage
    lease: bytes
    draft: MessageDraft
    domain: bytes = b""
    domain_defers: bool = False


LeasedResult = tuple[LeasedDraft, SendResult]


@dataclass(frozen=True, slots=True)
class _Settled:
    """A result and the state it leads to; `is_over`: its retry limit is reached."""

    one: LeasedDraft
    result: SendResult
    state: MessageState
    is_over: bool

    @property
    def reason(self) -> str | None:
        return retry_policy.LIMIT_REACHED if self.is_over else self.result.reason or None


def settle(session: Session, results: Sequence[LeasedResult], now: datetime) -> set[bytes]:
    """Write down results, only for whoever still has the lease; gives domains throttled from now.

    What follows from a result (a refused address is forgotten) is done by the message's kind.
    """
    by_kind: dict[MessageKind, list[_Settled]] = defaultdict(list)
    for one, result in results:
        kind = by_name(one.message.kind)
        by_kind[kind].append(_end(kind, one, result))
    for kind, settled in by_kind.items():
        tried = [_event(x.one.message, x.result, DUE if x.is_over else x.state) for x in settled]
        over = [_limit_event(x.one.message) for x in settled if x.is_over]
        events = [*tried, *over]
        kind.settled(session, events, now)
        for state in (DUE, *_END_STATES.values()):
            ended = [x for x in settled if x.state is state and not x.is_over]
            _update(session, _sources(state), state, ended, now)
        _end_all(session, _AWAITING_RESULT, REFUSED, [x for x in settled if x.is_over], now)
        kind.log(session, events, now)
    news = [
        (one.domain, result)
        for one, result in results
        if result.status is not SendStatus.SENT or one.domain_defers
    ]
    return domain_throttle.note(session, news, now)


def drop(
    session: Session, kind: MessageKind, dropped: Iterable[tuple[LeasedMessage, str]], now: datetime
) -> None:
    """Drop messages that are leased in this transaction, each with the code of its reason."""
    events = [OutboxEvent(one, "send", reason, "dropped", DROPPED) for one, reason in dropped]
    if not events:
        return
    kind.settled(session, events, now)
    ids: dict[str, list[int]] = defaultdict(list)
    for event in events:
        ids[event.reason].append(event.message.id)
    for reason, some in ids.items():
        session.execute(
            message_states.update(messages, (LEASED,), DROPPED)
            .where(messages.c.id.in_(some))
            .values(reason=reason)
        )
    kind.log(session, events, now)


def refuse_at_limit(
    session: Session, kind: MessageKind, over: Sequence[LeasedMessage], now: datetime
) -> None:
    """End messages that are leased in this transaction and waited for longer than the limit."""
    if not over:
        return
    events = [_limit_event(one) for one in over]
    kind.settled(session, events, now)
    session.execute(
        message_states.update(messages, (LEASED,), REFUSED)
        .where(messages.c.id.in_([one.id for one in over]))
        .values(reason=retry_policy.LIMIT_REACHED, lease=None, leased_until=None)
    )
    kind.log(session, events, now)


def give_back(session: Session, lease: bytes, ids: Collection[int] | None = None) -> None:
    """Leave leased messages due as they were: these, or all of the lease."""
    back = message_states.update(messages, (LEASED,), DUE).where(
        messages.c.lease == lease, in_states(HELD_BY_SENDER)
    )
    if ids is not None:
        back = back.where(messages.c.id.in_(ids))
    if ids is None or ids:
        session.execute(back.values(lease=None, leased_until=None))


def _end(kind: MessageKind, one: LeasedDraft, result: SendResult) -> _Settled:
    resends = kind.resend_after_unknown and one.message.resent < retry_policy.MAX_AUTOMATIC_RESENDS
    waits = result.status is SendStatus.DEFERRED or (
        result.status is SendStatus.UNKNOWN and resends
    )
    is_over = waits and retry_policy.is_over(one.message.waited_s)
    if is_over:
        return _Settled(one, result, REFUSED, is_over=True)
    return _Settled(one, result, DUE if waits else _END_STATES[result.status], is_over=False)


def _sources(state: MessageState) -> list[MessageState]:
    """List the states in which a message awaits a result that leads to this one."""
    # A kind may withdraw the subject of a refused message, which drops the message first.
    awaiting = (*_AWAITING_RESULT, DROPPED) if state is REFUSED else _AWAITING_RESULT
    return [source for source in message_states.sources_of(state) if source in awaiting]


def _event(one: LeasedMessage, result: SendResult, state: MessageState) -> OutboxEvent:
    return OutboxEvent(one, f"send_{one.kind}", result.reason or "ok", result.status.value, state)


def _limit_event(one: LeasedMessage) -> OutboxEvent:
    return OutboxEvent(
        one, f"send_{one.kind}", retry_policy.LIMIT_REACHED, SendStatus.REFUSED.value, REFUSED
    )


def _update(
    session: Session,
    sources: Sequence[MessageState],
    state: MessageState,
    settled: Sequence[_Settled],
    now: datetime,
) -> None:
    if state is not DUE:
        _end_all(session, sources, state, settled, now)
        return
    rows = []
    for one in settled:
        message = one.one.message
        wait = retry_policy.wait_s(message.attempts, message.waited_s, _random.uniform(0, 1))
        is_copy = one.result.status is SendStatus.UNKNOWN
        row = {"id0": message.id, "by": one.one.lease, "why": one.reason}
        row |= {"at": now + timedelta(seconds=wait), "wait": wait, "copies": int(is_copy)}
        rows.append(row)
    if rows:
        # A list of one takes longer: psycopg sends it as a pipeline.
        values = rows if len(rows) > 1 else rows[0]
        session.connection().execute(_settling(tuple(sources), state, 1), values)


def _end_all(
    session: Session,
    sources: Sequence[MessageState],
    state: MessageState,
    settled: Sequence[_Settled],
    now: datetime,
) -> None:
    """Bring messages to an end, all of one reason in one statement."""
    alike: dict[tuple[bytes, str | None], list[int]] = defaultdict(list)
    for one in settled:
        alike[one.one.lease, one.reason].append(one.one.message.id)
    for (lease, reason), ids in alike.items():
        for start in range(0, len(ids), SETTLED_AT_ONCE):
            some = ids[start : start + SETTLED_AT_ONCE]
            values: dict[str, object] = {f"id{at}": one for at, one in enumerate(some)}
            values |= {"by": lease, "why": reason, "at": None if state is REFUSED else now}
            session.connection().execute(_settling(tuple(sources), state, len(some)), values)


@cache
def _settling(sources: tuple[MessageState, ...], state: MessageState, number: int) -> Update:
    """Build the UPDATE of so many messages once: that takes longer than to execute it."""
    ids = [bindparam(f"id{at}", type_=messages.c.id.type) for at in range(number)]
    statement = (
        message_states.update(messages, sources, state)
        .where(messages.c.id.in_(ids), messages.c.lease == bindparam("by"))
        .values(attempts=messages.c.attempts + 1, reason=bindparam("why"), leased_until=None)
    )
    if state is not DUE:
        return statement.values(sent_at=bindparam("at"))
    waited = messages.c.waited_s + bindparam("wait")
    resent = messages.c.resent + bindparam("copies")
    return statement.values(due_at=bindparam("at"), waited_s=waited, resent=resent)
