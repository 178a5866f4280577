"""Result of a platform parser: what is kept of a body; all else of it is gone."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from trustsvc.orders.platform_status import ENDED, ParcelState, PlatformStatus

IgnoreReason = Literal[
    "ping",
    "test_order",
    "no_address",
    "cancelled",
    "refunded",
    "unknown_topic",
    "draft",
    "too_old",
    "platform_error",
]


@dataclass(frozen=True, slots=True, repr=False)
class OrderReceived:
    """An order, or news about one, as the shop's platform sends it.

    `identity` is the platform's stable id of the order; it is stored only as a keyed hash.
    `reference` is the number shown to people.

    `modified_at` is the platform's own time of this state; None where it sends none, then the time
    of arrival counts. `is_creation` is set where a platform sends what an order was like when it
    was placed: anything else is newer. None in a field means that the body says nothing about it;
    a moment alone says that it happened.
    `is_draft`: no order yet, but a known one that becomes it again is suspended.
    `is_whole` is set where the body is the whole order: without an address the shop removed it.
    `is_anonymised`: the shop erased the buyer. `says_consent`: without consent there is none now.
    `dispute` and `returns` are what the order itself does not tell; OPEN ends them.
    `claim` is the platform's id of the dispute or return, where the news is about one of several,
    and `parcel` that of the parcel. `estimated` names the aspects whose moment is only that of
    the last change: it never moves a known one to later.
    `traits` is what a shop may have orders skipped for (docs/how-to/skip.md). `details`: of each
    field that is stated the traits, or an unreadable date, where a body states only some.
    """

    identity: str
    created_at: datetime
    _: KW_ONLY
    modified_at: datetime | None = None
    is_creation: bool = False
    reference: str = ""
    is_draft: bool = False
    is_whole: bool = False
    email: str = ""
    name: str = ""
    locale: str = ""
    zone: str = ""
    is_anonymised: bool = False
    consent: bool | None = None
    says_consent: bool = False
    platform_status: PlatformStatus | None = None
    platform_status_at: datetime | None = None
    dispute: PlatformStatus | None = None
    returns: PlatformStatus | None = None
    claim: str = ""
    parcel: str = ""
    estimated: frozenset[str] = frozenset()
    paid: bool | None = None
    paid_at: datetime | None = None
    fulfilled: bool | None = None
    shipped_at: datetime | None = None
    delivery: ParcelState | None = None
    delivery_at: datetime | None = None
    traits: frozenset[str] = frozenset()
    date_unreadable: bool = False
    details: Mapping[str, frozenset[str]] | None = None
    webhook_delivery_id: str | None = None

    def __repr__(self) -> str:
        return "OrderReceived()"

    @property
    def says_contact(self) -> bool:
        return self.is_whole or bool(self.email)

    @property
    def is_over(self) -> bool:
        """Cancelled, refunded in full, returned or charged back."""
        return not ENDED.isdisjoint({self.platform_status, self.dispute, self.returns})

    @property
    def is_update(self) -> bool:
        """It changes an order that is already known, even without an address."""
        stated = (
            self.dispute,
            self.returns,
            self.paid,
            self.paid_at,
            self.fulfilled,
            self.shipped_at,
            self.delivery,
            self.consent,
        )
        return self.platform_status not in {None, PlatformStatus.OPEN} or any(
            x is not None for x in stated
        )


@dataclass(frozen=True, slots=True)
class Ignored:
    """A valid webhook without effect; the code says why, `field` what was missed, if anything.

    `identity` is the order it is about, where it names one.
    """

    reason: IgnoreReason
    field: str = ""
    identity: str = ""

    def __repr__(self) -> str:
        return f"Ignored({self.reason!r})"


class PrivacyRequestKind(StrEnum):
    """What is to be done about a privacy request that came without a link."""

    MY_DATA = "my_data"
    OBJECT = "object"
    ACCESS = "access"
    ERASE = "erase"
    EMPTIED = "emptied"
    ERASE_SHOP = "erase_shop"


class RequestWait(StrEnum):
    """Why a privacy request is not due yet, where it did not fail."""

    LOOK = "look"  # held in a burst, until somebody looked at it
    LIMIT = "limit"  # the hour's messages to typed addresses are all written


@dataclass(frozen=True, slots=True, repr=False)
class PrivacyRequestReceived:
    """A buyer's privacy request passed on by a platform, or the end of a shop there.

    `orders` are the platform's ids; `email` is empty if it sends none.
    """

    kind: PrivacyRequestKind
    email: str = ""
    orders: tuple[str, ...] = ()
    webhook_delivery_id: str | None = None

    def __repr__(self) -> str:
        return f"PrivacyRequestReceived({self.kind!r})"
