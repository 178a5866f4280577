"""What the types and states of the standard endpoint mean. Pure tables."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trustsvc.orders.platform_status import ENDED, NOT_DELIVERED, ParcelState, PlatformStatus


@dataclass(frozen=True, slots=True)
class StateMeaning:
    """What a type or a state says of an order; None where it says nothing."""

    platform_status: PlatformStatus | None = None
    paid: bool | None = None
    fulfilled: bool | None = None
    delivery: ParcelState | None = None
    events: frozenset[str] = frozenset()  # whose moment is the message's own
    is_creation: bool = False
    dispute: PlatformStatus | None = None
    returns: PlatformStatus | None = None
    is_part: bool = False  # a part of the money went back
    is_full: bool = False  # all of it, whatever the amounts
    is_draft: bool = False
    is_progress: bool = False  # the type itself says that the order was paid, sent or delivered


def _meaning(
    *events: str,
    platform_status: PlatformStatus | None = PlatformStatus.OPEN,
    paid: bool | None = None,
    fulfilled: bool | None = None,
    delivery: ParcelState | None = None,
    is_creation: bool = False,
) -> StateMeaning:
    return StateMeaning(platform_status, paid, fulfilled, delivery, frozenset(events), is_creation)


NOTHING = StateMeaning()
CREATED = _meaning("created")
PAID = _meaning("paid", paid=True)
UNPAID = _meaning(paid=False)
IN_WORK = _meaning(fulfilled=False)
SHIPPED = _meaning("shipped", fulfilled=True)
DELIVERED = _meaning("delivered", fulfilled=True, delivery=ParcelState.DELIVERED)
CANCELLED = _meaning("cancelled", platform_status=PlatformStatus.CANCELLED)
REFUNDED = _meaning("refunded", platform_status=PlatformStatus.REFUNDED)
PARTLY_REFUNDED = StateMeaning(paid=True, is_part=True)
FULLY_REFUNDED = replace(REFUNDED, is_full=True)
RETURNED = _meaning(platform_status=PlatformStatus.RETURNED)
RETURN_OPEN = _meaning(platform_status=PlatformStatus.RETURN_OPEN)
CHARGEBACK = _meaning(platform_status=PlatformStatus.CHARGEBACK)
DISPUTED = _meaning(platform_status=PlatformStatus.DISPUTED)
ON_HOLD = _meaning(platform_status=PlatformStatus.ON_HOLD)
FAILED = _meaning(fulfilled=True, delivery=ParcelState.FAILED)
READY_FOR_PICKUP = _meaning(fulfilled=True, delivery=ParcelState.READY_FOR_PICKUP)
SCHEDULED = _meaning(fulfilled=False, delivery=ParcelState.SCHEDULED)
OTHER_STATUS = _meaning(platform_status=PlatformStatus.OTHER_STATUS)
DRAFT = StateMeaning(PlatformStatus.OTHER_STATUS, is_draft=True)

STATES: Mapping[str, StateMeaning] = {
    "": NOTHING,
    "new": CREATED,
    "open": CREATED,
    "placed": CREATED,
    "created": CREATED,
    "confirmed": CREATED,
    "accepted": CREATED,
    "paid": PAID,
    "captured": PAID,
    "unpaid": UNPAID,
    "pending": UNPAID,
    "pending_payment": UNPAID,
    "awaiting_payment": UNPAID,
    "authorized": UNPAID,
    "authorised": UNPAID,
    "partially_paid": UNPAID,
    "payment_failed": UNPAID,
    "payment_cancelled": UNPAID,
    "failed": UNPAID,
    "voided": UNPAID,
    "expired": UNPAID,
    "quote": UNPAID,
    "quote_requested": UNPAID,
    "processing": IN_WORK,
    "in_progress": IN_WORK,
    "awaiting_shipment": IN_WORK,
    "awaiting_fulfillment": IN_WORK,
    "unfulfilled": IN_WORK,
    "backorder": IN_WORK,
    "partially_shipped": IN_WORK,
    "shipped_partially": IN_WORK,
    "partially_fulfilled": IN_WORK,
    "restocked": IN_WORK,
    "shipped": SHIPPED,
    "completed": SHIPPED,
    "complete": SHIPPED,
    "fulfilled": SHIPPED,
    "in_transit": SHIPPED,
    "delivered": DELIVERED,
    "picked_up": DELIVERED,
    "delivery_failed": FAILED,
    "not_delivered": FAILED,
    "lost": FAILED,
    "ready_for_pickup": READY_FOR_PICKUP,
    "scheduled": SCHEDULED,
    "draft": DRAFT,
    "on_hold": ON_HOLD,
    "hold": ON_HOLD,
    "cancelled": CANCELLED,
    "canceled": CANCELLED,
    "refunded": REFUNDED,
    "fully_refunded": FULLY_REFUNDED,
    "refunded_fully": FULLY_REFUNDED,
    "partially_refunded": PARTLY_REFUNDED,
    "refunded_partially": PARTLY_REFUNDED,
    "returned": RETURNED,
    "partially_returned": NOTHING,
    "returned_partially": NOTHING,
    "return_requested": RETURN_OPEN,
    "return_open": RETURN_OPEN,
    "return_in_progress": RETURN_OPEN,
    "disputed": DISPUTED,
    "dispute": DISPUTED,
    "chargeback": CHARGEBACK,
}
_EVENTS: dict[str, StateMeaning] = {
    "order.updated": NOTHING,
    "order.created": _meaning("created", is_creation=True),
    "order.placed": _meaning("created", is_creation=True),
    "order.payment_captured": PAID,
    "shipment.created": SHIPPED,
}
# A dispute or a return that a type reports ends only by a type of its own, as at Shopify: other
# events of the order say nothing of it. As a state it is the state of the whole order.
_DISPUTES: Mapping[str, PlatformStatus] = {
    "disputed": PlatformStatus.DISPUTED,
    "dispute": PlatformStatus.DISPUTED,
    "dispute_opened": PlatformStatus.DISPUTED,
    "dispute_lost": PlatformStatus.CHARGEBACK,
    "chargeback": PlatformStatus.CHARGEBACK,
    "dispute_won": PlatformStatus.OPEN,
}
_RETURNS: Mapping[str, PlatformStatus] = {
    "return_requested": PlatformStatus.RETURN_OPEN,
    "return_open": PlatformStatus.RETURN_OPEN,
    "return_in_progress": PlatformStatus.RETURN_OPEN,
    "return_closed": PlatformStatus.RETURNED,
    "returned": PlatformStatus.RETURNED,
    "return_declined": PlatformStatus.OPEN,
    "return_cancelled": PlatformStatus.OPEN,
    "return_canceled": PlatformStatus.OPEN,
}
# Any state may be sent as a type of its own: order.on_hold, shipment.delivered.
TYPES: Mapping[str, StateMeaning] = (
    {f"order.{state}": meaning for state, meaning in STATES.items() if state}
    | {
        f"shipment.{state}": meaning
        for state, meaning in STATES.items()
        if meaning.delivery or meaning is SHIPPED
    }
    | _EVENTS
    | {f"order.{word}": StateMeaning(dispute=dispute) for word, dispute in _DISPUTES.items()}
    | {f"order.{word}": StateMeaning(returns=returns) for word, returns in _RETURNS.items()}
)
# Of the fields of money and of shipping; any other word of these waits.
PAID_WORDS = {"paid", "captured", "succeeded", "success", "completed", "complete", "settled"}
PAID_WORDS |= {"partially_refunded", "refunded_partially", "refunded", "overpaid", "free"}
SENT_WORDS = {"fulfilled", "shipped", "sent", "completed", "complete", "delivered", "picked_up"}
SENT_WORDS |= {"in_transit", "out_for_delivery"}
NOTHING_TO_SEND = {"not_required", "not_applicable", "none", "n/a", "digital"}
# Of a shipment the state is that of its parcel: none of these says anything of the order.
_PROGRESS = {"paid", "shipped", "delivered"}
_OF_A_PARCEL = {CREATED, UNPAID, OTHER_STATUS}
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[- ]+")


def normalised(word: str) -> str:
    """Write camelCase, PascalCase and kebab-case as snake_case."""
    return word if word.islower() and word.isidentifier() else _WORDS.sub("_", word).lower()


def is_known(state: str) -> bool:
    return normalised(state) in STATES


def read(kind: str, states: Sequence[str]) -> StateMeaning:
    """Join what type and states say; a state is of the whole order, so it comes first."""
    event = TYPES[kind]
    whole = _whole([one for one in states if one])
    is_of_parcel = kind.startswith("shipment.")
    if is_of_parcel and whole in _OF_A_PARCEL:
        whole = NOTHING
    # A part that went back ends nothing, whichever of the two says so.
    is_part = whole.is_part or (
        event.is_part and whole.platform_status is not PlatformStatus.REFUNDED
    )
    is_silent = is_of_parcel or (is_part and event.platform_status is PlatformStatus.REFUNDED)
    of_order = None if is_silent else event.platform_status
    return StateMeaning(
        platform_status=whole.platform_status or of_order,
        paid=whole.paid if whole.paid is not None else event.paid,
        fulfilled=whole.fulfilled if whole.fulfilled is not None else event.fulfilled,
        delivery=whole.delivery or event.delivery,
        events=event.events | whole.events,
        is_creation=event.is_creation,
        dispute=event.dispute,
        returns=event.returns,
        is_part=is_part,
        is_full=event.is_full or whole.is_full,
        is_draft=event.is_draft or whole.is_draft,
        is_progress=not is_of_parcel and bool(event.events & _PROGRESS),
    )


def _whole(states: Sequence[str]) -> StateMeaning:
    """Join several states of one order: an end counts before a wait, and a wait before progress."""
    every = [STATES.get(normalised(one), OTHER_STATUS) for one in states]
    if len(every) < 2:
        return every[0] if every else NOTHING
    statuses = {one.platform_status for one in every if one.platform_status}
    ends, waits = statuses & ENDED, statuses - ENDED - {PlatformStatus.OPEN}
    deliveries = {one.delivery for one in every if one.delivery}
    return StateMeaning(
        platform_status=min(ends or waits or statuses, default=None),
        paid=_worst(one.paid for one in every),
        fulfilled=_worst(one.fulfilled for one in every),
        delivery=min(deliveries & NOT_DELIVERED or deliveries, default=None),
        events=frozenset().union(*(one.events for one in every)),
        is_part=any(one.is_part for one in every),
        is_full=any(one.is_full for one in every),
        is_draft=any(one.is_draft for one in every),
    )


def _worst(answers: Iterable[bool | None]) -> bool | None:
    given = set(answers)
    return False if False in given else True if True in given else None
