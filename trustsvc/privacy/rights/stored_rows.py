"""What the my-data page reads in a person's rows: the columns it needs, by table, typed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TypeVar, get_args, get_type_hints

from trustsvc.invitations.state import InvitationState
from trustsvc.mail.outbox.state import MessageState
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.reviews.state import ReviewState
from trustsvc.storage.columns import TableRows

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class OrderRow:
    id: int
    shop_id: int
    name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    reference: str | None = field(repr=False)
    locale: str | None
    consent: bool | None
    created_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    received_at: datetime
    delivery: ParcelState | None
    delivery_at: datetime | None
    platform_status: PlatformStatus
    platform_status_at: datetime | None
    dispute: PlatformStatus | None
    dispute_at: datetime | None
    returns: PlatformStatus | None
    returns_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    order_id: int
    step: DecisionStep
    rule: str
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True)
class InvitationRow:
    id: int
    order_id: int
    state: InvitationState
    link: bytes = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MessageRow:
    kind: str
    subject_id: int
    state: MessageState
    due_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    id: int
    invitation_id: int | None
    state: ReviewState
    stars: int
    title: str = field(repr=False)
    text: str = field(repr=False)
    name: str = field(repr=False)
    city: str = field(repr=False)
    email: str | None = field(repr=False)
    reference: str | None = field(repr=False)
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class RegistrationRow:
    at: datetime
    consent_version: str
    link: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PendingRow:
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class OptOutRow:
    shop_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RestrictionRow:
    shop_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredRows:
    """A person's rows, by table; those of other tables are in the copy only."""

    orders: Sequence[OrderRow]
    decision_log: Sequence[DecisionRow]
    invitations: Sequence[InvitationRow]
    messages: Sequence[MessageRow]
    reviews: Sequence[ReviewRow]
    registered_buyers: Sequence[RegistrationRow]
    pending_registrations: Sequence[PendingRow]
    opt_outs: Sequence[OptOutRow]
    restrictions: Sequence[RestrictionRow]


def read(rows: TableRows) -> StoredRows:
    """Read whole rows by the fields above; a state becomes a member of its enum."""
    return StoredRows(
        orders=_read(OrderRow, rows["orders"]),
        decision_log=_read(DecisionRow, rows["decision_log"]),
        invitations=_read(InvitationRow, rows["invitations"]),
        messages=_read(MessageRow, rows["messages"]),
        reviews=_read(ReviewRow, rows["reviews"]),
        registered_buyers=_read(RegistrationRow, rows["registered_buyers"]),
        pending_registrations=_read(PendingRow, rows["pending_registrations"]),
        opt_outs=_read(OptOutRow, rows["opt_outs"]),
        restrictions=_read(RestrictionRow, rows["restrictions"]),
    )


def _read(kind: Callable[..., Line], rows: Sequence[Mapping[str, object]]) -> list[Line]:
    enums = _enums(kind)
    return [
        kind(
            **{
                name: enum(str(row[name])) if enum and row[name] is not None else row[name]
                for name, enum in enums.items()
            }
        )
        for row in rows
    ]


@cache
def _enums(kind: Callable[..., object]) -> dict[str, type[StrEnum] | None]:
    """Give the fields of a class, each with the enum of its values, if it has one."""
    enums: dict[str, type[StrEnum] | None] = {}
    for name, hint in get_type_hints(kind).items():
        possible = [one for one in (hint, *get_args(hint)) if isinstance(one, type)]
        enums[name] = next((one for one in possible if issubclass(one, StrEnum)), None)
    return enums
