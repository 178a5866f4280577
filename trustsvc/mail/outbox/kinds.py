"""What the outbox knows of a kind of message, and the registry of kinds.

The outbox leases, throttles, sends and settles; a kind says whether a message may leave, what it
says, and what follows from its end. trustsvc/message_kinds.py registers all kinds: processes at
start-up, commands when they first ask for one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Select
from sqlalchemy.orm import Session

from trustsvc.mail.outbox.state import MessageState

if TYPE_CHECKING:  # each command imports this module, and most of them write no message
    from trustsvc.mail.message import Message


class Priority(IntEnum):
    """Which messages leave first; URGENT ones ignore the throttle of domains, not their pauses."""

    URGENT = 0
    NORMAL = 5


@dataclass(frozen=True, slots=True)
class LeasedMessage:
    """A message as its sender reads it."""

    id: int
    kind: str
    subject_id: int
    token: bytes
    attempts: int
    waited_s: int
    resent: int


@dataclass(frozen=True, slots=True)
class Drop:
    """The message must not leave; `reason` is a code for the decision log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Defer:
    """The message may leave at this moment and not before; no attempt is counted."""

    until: datetime


class MessageDraft(Protocol):
    """All that is needed to compose a message: nothing is read from the database while sending."""

    @property
    def recipient(self) -> str: ...

    def may_leave(self, now: datetime) -> bool:
        """Whether it may leave at this moment; if not, it is given back and leased again later."""
        ...

    def compose(self, code: str, now: datetime) -> "Message":
        """Compose it; `code` names it in Message-ID and return path (return_path.py)."""
        ...


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """What became of a message. `state` is the new one: DUE after a deferral or a resend."""

    message: LeasedMessage
    step: str
    reason: str
    outcome: str
    state: MessageState


@dataclass(frozen=True, slots=True)
class ReportedMessage:
    """The message a report is about."""

    id: int
    kind: str
    subject_id: int
    state: MessageState


class MessageKind(Protocol):
    """One row of trustsvc/message_kinds.py."""

    def __hash__(self) -> int: ...

    @property
    def names(self) -> tuple[str, ...]:
        """Name the values of messages.kind that this kind answers for."""
        ...

    @property
    def priority(self) -> Priority: ...

    @property
    def obeys_send_suspension(self) -> bool: ...

    @property
    def resend_after_unknown(self) -> bool:
        """Whether a message that may have arrived is sent again: a second one does less harm.

        Not without end: retry_policy.MAX_AUTOMATIC_RESENDS times.
        """
        ...

    def lockable(self, due: Select[Any]) -> Select[Any]:
        """Add what locks a message's subject before the message, and keeps paused ones out.

        Whoever changes the subject locks in the same order: in another order they would deadlock.
        """
        ...

    def prepare(
        self,
        session: Session,
        leased: Sequence[LeasedMessage],
        now: datetime,
        before: Collection["MessageDraft"] = (),
    ) -> Mapping[int, Drop | Defer | MessageDraft]:
        """Read every reason not to send, in sets, and all that is needed to compose, by id.

        Called when messages are leased and again right before the end of their DATA: with what it
        gave `before`, so that what is still the same is not decrypted again.
        """
        ...

    def settled(self, session: Session, events: Sequence[OutboxEvent], now: datetime) -> None:
        """Do what follows from these ends. Called before the outbox changes the state."""
        ...

    def log(self, session: Session, events: Sequence[OutboxEvent], now: datetime) -> None:
        """Write these to the decision log, where the kind has one. Called after the change."""
        ...

    def still_open(self) -> Select[int]:
        """Give the SELECT of the subject ids for which a message may be sent once more."""
        ...

    def reported(
        self, session: Session, message: ReportedMessage, report_kind: str, code: str, now: datetime
    ) -> str:
        """Do what follows from a bounce or complaint; gives how the report was taken in the end."""
        ...


class UnregisteredKind(RuntimeError):
    """No registered kind has this name: trustsvc.message_kinds.register() was not called."""


_by_name: dict[str, MessageKind] = {}
_providers: list[Callable[[], object]] = []


def register(*kinds: MessageKind) -> None:
    """Make kinds known to this process; twice does no harm."""
    _by_name.update((name, kind) for kind in kinds for name in kind.names)


def register_when_needed(provider: Callable[[], object]) -> None:
    """Say what registers the kinds when the first is asked for; saying it twice changes nothing.

    A command that sends nothing starts without what all the kinds import.
    """
    if provider not in _providers:
        _providers.append(provider)


def _provide() -> None:
    for provider in tuple(_providers):
        provider()
        # Only now: another thread that asks meanwhile must not find no kinds.
        with suppress(ValueError):
            _providers.remove(provider)


def by_name(name: str) -> MessageKind:
    """Find a kind; raises UnregisteredKind."""
    _provide()
    if name not in _by_name:
        raise UnregisteredKind(name)
    return _by_name[name]


def registered() -> list[MessageKind]:
    """List the kinds, urgent ones first; raises UnregisteredKind when there are none."""
    _provide()
    if not _by_name:
        raise UnregisteredKind("no kind at all")
    return sorted(dict.fromkeys(_by_name.values()), key=lambda kind: kind.priority)


def names(kinds: Collection[MessageKind]) -> list[str]:
    return [name for kind in kinds for name in kind.names]


def suspendable_names() -> list[str]:
    """Name the kinds that a send suspension holds back."""
    return names([kind for kind in registered() if kind.obeys_send_suspension])
