"""What the types and states of the standard endpoint mean. Pure tables."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trustsvc.orders.platform_status import ENDED, NOT_DELIVERED, ParcelState, PlatformStatus
from trustsvc.orders.platforms import carrier_words


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
PARTLY_SENT = _meaning(fulfilled=False, delivery=ParcelState.IN_TRANSIT)
RESTOCKED = _meaning(fulfilled=False, delivery=ParcelState.FAILED)
ON_ITS_WAY = _meaning(fulfilled=True, delivery=ParcelState.IN_TRANSIT)
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
    **dict.fromkeys(
        (
            *("unpaid", "pending", "pending_payment", "awaiting_payment", "authorized"),
            *("authorised", "partially_paid", "payment_failed", "payment_cancelled"),
            *("failed", "voided", "expired", "quote", "quote_requested"),
        ),
        UNPAID,
    ),
    "processing": IN_WORK,
    "in_progress": IN_WORK,
    "awaiting_shipment": IN_WORK,
    "awaiting_fulfillment": IN_WORK,
    "unfulfilled": IN_WORK,
    "backorder": IN_WORK,
    "partially_shipped": PARTLY_SENT,
    "shipped_partially": PARTLY_SENT,
    "partially_fulfilled": PARTLY_SENT,
    "restocked": RESTOCKED,
    "shipped": SHIPPED,
    "completed": SHIPPED,
    "complete": SHIPPED,
    "fulfilled": SHIPPED,
    "in_transit": SHIPPED,
    "delivered": DELIVERED,
    "picked_up": DELIVERED,
    **dict.fromkeys(
        (
            *("delivery_failed", "delivery_exception", "delivery_refused", "not_delivered"),
            *("undelivered", "undeliverable", "lost", "damaged"),
            *("return_to_sender", "returned_to_sender"),
        ),
        FAILED,
    ),
    "ready_for_pickup": READY_FOR_PICKUP,
    "scheduled": SCHEDULED,
    "draft": DRAFT,
    "on_hold": ON_HOLD,
    "hold": ON_HOLD,
    **dict.fromkeys(("cancelled", "canceled"), CANCELLED),
    "refunded": REFUNDED,
    "fully_refunded": FULLY_REFUNDED,
    "refunded_fully": FULLY_REFUNDED,
    "partially_refunded": PARTLY_REFUNDED,
    "refunded_partially": PARTLY_REFUNDED,
    "returned": RETURNED,
    **dict.fromkeys(("partially_returned", "returned_partially"), NOTHING),
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
    "shipment.updated": NOTHING,
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
_CARRIED: Mapping[ParcelState, StateMeaning] = {
    ParcelState.FAILED: FAILED,
    ParcelState.READY_FOR_PICKUP: READY_FOR_PICKUP,
    ParcelState.SCHEDULED: SCHEDULED,
    ParcelState.IN_TRANSIT: ON_ITS_WAY,
    ParcelState.DELIVERED: DELIVERED,
}
# Any state may be sent as a type of its own: order.on_hold, shipment.delivered.
TYPES: Mapping[str, StateMeaning] = (
    {f"order.{state}": meaning for state, meaning in STATES.items() if state}
    | {f"shipment.{word}": _CARRIED[state] for word, state in carrier_words.STATES.items()}
    | {f"shipment.{state}": SHIPPED for state, meaning in STATES.items() if meaning is SHIPPED}
    | _EVENTS
    | {f"order.{word}": StateMeaning(dispute=dispute) for word, dispute in _DISPUTES.items()}
    | {f"order.{word}": StateMeaning(returns=returns) for word, returns in _RETURNS.items()}
)
_PROGRESS = {"paid", "shipped", "delivered"}
# Of a shipment the state is that of its parcel: none of these says anything of the order.
_OF_A_PARCEL = {CREATED, UNPAID, OTHER_STATUS}
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[- ]+")


def normalised(word: str) -> str:
    """Write camelCase, PascalCase and kebab-case as snake_case."""
    return word if word.islower() and word.isidentifier() else _WORDS.sub("_", word).lower()


def is_known(state: str) -> bool:
    return normalised(state) in STATES


def _of_order(state: str) -> StateMeaning:
    return STATES.get(normalised(state), OTHER_STATUS)


def _of_parcel(state: str) -> StateMeaning:
    """Read a carrier's word, else a state that has a meaning for the order, too."""
    if normalised(state) in STATES and _of_order(state) is SHIPPED:
        return SHIPPED
    if carried := carrier_words.state_of(normalised(state)):
        return _CARRIED[carried]
    return NOTHING if (whole := _of_order(state)) in _OF_A_PARCEL else whole


def read(kind: str, states: Sequence[str]) -> StateMeaning:
    """Join what type and states say; a state is of the whole order, so it comes first."""
    event = TYPES[kind]
    is_of_parcel = kind.startswith("shipment.")
    stated = [one for one in states if one]
    whole = _of_parcel(stated[0] if stated else "") if is_of_parcel else _of_orders(stated)
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


def _of_orders(states: Sequence[str]) -> StateMeaning:
    """Join several states of one order: an end counts before a wait, and a wait before progress."""
    every = [_of_order(one) for one in states]
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
