"""An order as aspects, each with the newest value that the platform gave. Pure.

Of two values of one second the one that arrives later counts, but an end stays. A refusal
(`consent` false) is never taken back by an update. What there may be several of is kept as JSON in
`merge_state`: disputes, returns and parcels (claims.py), reasons to skip field by field (skip.py),
and estimated moments (milestone.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trustsvc.orders import claims, milestone, skip
from trustsvc.orders.milestone import Milestone
from trustsvc.orders.news import OrderNews
from trustsvc.orders.platform_status import ENDED, ParcelState, PlatformStatus
from trustsvc.orders.state import OrderState

BUYER = ("reference", "email", "name", "buyer_pseudonym", "locale", "zone")
# Aspect -> (the column of its time, the columns of its values)
ASPECTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "platform_status": ("platform_status_at", ("platform_status",)),
    "dispute": ("dispute_at", ("dispute",)),
    "returns": ("returns_at", ("returns",)),
    "payment": ("payment_at", ("paid", "paid_at")),
    "fulfilment": ("fulfilment_at", ("fulfilled", "shipped_at")),
    "delivery": ("delivery_at", ("delivery",)),
    "consent": ("consent_at", ("consent",)),
    "details": ("details_at", ("skip", "date_unreadable")),
}
CHANGING = (
    *(name for time, values in ASPECTS.values() for name in (time, *values)),
    "merge_state",
    "contact_at",
    "accepts_buyer",
    "created_at",
)
COLUMNS = ("shop_id", "identity", *BUYER, *CHANGING, "state", "received_at")
# What only says that more is to come yields to the order itself of the same second.
YIELDS = {PlatformStatus.REFUND_OPEN}


@dataclass(frozen=True, slots=True, repr=False)
class StoredOrder:
    """A row of `orders`; the buyer's fields are set only if they are to be written."""

    shop_id: int
    identity: bytes
    created_at: datetime
    received_at: datetime
    state: OrderState = OrderState.RECEIVED
    platform_status: PlatformStatus = PlatformStatus.OPEN
    platform_status_at: datetime | None = None
    dispute: PlatformStatus | None = None
    dispute_at: datetime | None = None
    returns: PlatformStatus | None = None
    returns_at: datetime | None = None
    merge_state: str | None = None  # JSON
    paid: bool | None = None
    paid_at: datetime | None = None
    payment_at: datetime | None = None
    fulfilled: bool | None = None
    shipped_at: datetime | None = None
    fulfilment_at: datetime | None = None
    delivery: ParcelState | None = None
    delivery_at: datetime | None = None
    skip: str | None = None
    date_unreadable: bool = False
    details_at: datetime | None = None
    contact_at: datetime | None = None
    consent: bool | None = None
    consent_at: datetime | None = None
    accepts_buyer: bool = True
    has_buyer: bool = False
    writes_buyer: bool = False
    id: int = 0
    reference: str | None = None
    email: str | None = None
    name: str | None = None
    buyer_pseudonym: bytes | None = None
    locale: str | None = None
    zone: str | None = None

    @property
    def is_over(self) -> bool:
        return not ENDED.isdisjoint({self.platform_status, self.dispute, self.returns})

    def values(self, names: Sequence[str] = COLUMNS) -> dict[str, object]:
        """Columns to write, by name."""
        return {name: getattr(self, name) for name in names}


def merged(known: StoredOrder, news: OrderNews) -> tuple[dict[str, object], list[str]]:
    """Give the columns that news changes, and the names of the aspects whose value is new."""
    kept: dict[str, Any] = json.loads(known.merge_state) if known.merge_state else {}
    changed: dict[str, object] = {}
    for merge_part in (_claims, _delivery, _milestones, _details, _newest):
        changed |= merge_part(known, news, kept)
    if kept:
        changed["merge_state"] = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    if news.order.created_at < known.created_at:  # one that no body stated was a guess, and later
        changed["created_at"] = news.order.created_at
    columns = {name: values for name, (_, values) in ASPECTS.items()}
    columns["delivery"] = ("delivery", "delivery_at")  # its time is a date that counts
    columns["details"] = (*columns["details"], "created_at")
    names = [
        name
        for name, values in columns.items()
        if any(one in changed and changed[one] != getattr(known, one) for one in values)
    ]
    return changed, names


def _claims(known: StoredOrder, news: OrderNews, kept: dict[str, Any]) -> dict[str, object]:
    changed: dict[str, object] = {}
    for aspect, state in (("dispute", news.order.dispute), ("returns", news.order.returns)):
        if state is not None:
            time = ASPECTS[aspect][0]
            at = _time_of(aspect, news, known)
            kept[aspect], worst = claims.merged(kept.get(aspect), news.claim, state, at)
            changed |= {time: max(at, getattr(known, time) or at), aspect: worst}
    return changed


def _delivery(known: StoredOrder, news: OrderNews, kept: dict[str, Any]) -> dict[str, object]:
    if news.order.delivery is None:
        return {}
    at = _time_of("delivery", news, known)
    kept["delivery"], delivery, since = claims.delivered(
        kept.get("delivery"),
        news.parcel,
        news.order.delivery,
        at,
        is_estimate="delivery" in news.order.estimated,
    )
    return {"delivery": delivery, "delivery_at": since}


def _milestones(known: StoredOrder, news: OrderNews, kept: dict[str, Any]) -> dict[str, object]:
    """Merge whether it was paid and sent; a moment alone says that it was."""
    order = news.order
    changed: dict[str, object] = {}
    for aspect, is_so, moment in (
        ("payment", order.paid, order.paid_at),
        ("fulfilment", order.fulfilled, order.shipped_at),
    ):
        if is_so is None and moment is None:
            continue
        time, columns = ASPECTS[aspect]
        part, found = milestone.merged(
            kept.get(aspect),
            Milestone(getattr(known, columns[0]), getattr(known, columns[1]), getattr(known, time)),
            Milestone(is_so is not False, moment, _time_of(aspect, news, known)),
            is_estimate=aspect in order.estimated,
        )
        kept |= {aspect: part} if part else {}
        changed |= {time: found.at, columns[0]: found.is_so, columns[1]: found.moment}
    return changed


def _details(known: StoredOrder, news: OrderNews, kept: dict[str, Any]) -> dict[str, object]:
    """Merge details of a body that states only some."""
    if not news.details:  # news of a parcel has no other details than a date
        is_unreadable = news.order.date_unreadable and not news.order.says_contact
        return {"date_unreadable": True} if is_unreadable else {}
    at = _time_of("details", news, known)
    kept["details"], reason, is_unreadable = skip.merge_by_field(
        kept.get("details"), news.details, at
    )
    return {"skip": reason, "date_unreadable": is_unreadable}


def _newest(known: StoredOrder, news: OrderNews, _kept: dict[str, Any]) -> dict[str, object]:
    """Take over what is newer than what is known."""
    changed: dict[str, object] = {}
    for aspect, stated in _stated(news).items():
        time, columns = ASPECTS[aspect]
        at = _time_of(aspect, news, known)
        before = getattr(known, time)
        if not _counts(known, aspect, stated[0], is_older=before is not None and at < before):
            continue
        if before == at and (getattr(known, columns[0]) in ENDED or stated[0] in YIELDS):
            continue
        changed |= {time: at} | dict(zip(columns, stated, strict=True))
    return changed


def _time_of(aspect: str, news: OrderNews, known: StoredOrder) -> datetime:
    if aspect == "delivery" and news.order.delivery_at:
        return min(news.order.delivery_at, news.arrived_at)
    # A restored order only takes its own deletion back.
    is_restored = aspect == "platform_status" and known.platform_status is PlatformStatus.CANCELLED
    at = (news.order.platform_status_at if is_restored else None) or news.as_of
    if news.is_timed:
        return at
    # Without a time it is newer than what is known, whatever the platform's clock says.
    arrived_at = news.arrived_at.replace(microsecond=0)
    return max(arrived_at, getattr(known, ASPECTS[aspect][0]) or arrived_at)


def _counts(known: StoredOrder, aspect: str, stated: object, *, is_older: bool) -> bool:
    """Whether a value is taken over: a refusal whenever it arrives, anything else unless older."""
    if aspect == "consent":
        return known.consent is not False and (stated is False or not is_older)
    return not is_older


def _stated(news: OrderNews) -> dict[str, tuple[object, ...]]:
    """Give the aspects that the body says something about, but for those merged above."""
    order = news.order
    stated: dict[str, tuple[object, ...]] = {}
    if order.platform_status is not None:
        stated["platform_status"] = (order.platform_status,)
    if order.consent is not None or order.says_consent:
        stated["consent"] = (order.consent,)
    if news.details is None and order.says_contact:
        stated["details"] = (news.skip, order.date_unreadable)
    return stated
