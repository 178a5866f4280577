"""What carriers and tracking plug-ins say of a parcel: one list for every platform. Pure."""

import re
from collections.abc import Iterable, Mapping

from trustsvc.orders.platform_status import ParcelState

_NOT_DELIVERED = """
    failure failed failed_attempt failed_delivery delivery_failed delivery_failure
    delivery_exception exception not_delivered undelivered undeliverable expired on_hold
    lost missing stolen damaged destroyed refused rejected delivery_refused refused_by_recipient
    returned return_to_sender returned_to_sender returning returning_to_sender return_in_transit
"""
_ON_ITS_WAY = "in_transit out_for_delivery attempted_delivery delayed carrier_picked_up"
_AT_A_COUNTER = "ready_for_pickup available_for_pickup ready_for_collection"
STATES: Mapping[str, ParcelState] = (
    dict.fromkeys(_NOT_DELIVERED.split(), ParcelState.FAILED)
    | dict.fromkeys(_ON_ITS_WAY.split(), ParcelState.IN_TRANSIT)
    | dict.fromkeys(_AT_A_COUNTER.split(), ParcelState.READY_FOR_PICKUP)
    | dict.fromkeys(("delivered", "picked_up", "collected"), ParcelState.DELIVERED)  # by the buyer
    | {"scheduled": ParcelState.SCHEDULED}
)
WORST_FIRST = (ParcelState.FAILED, ParcelState.READY_FOR_PICKUP, ParcelState.SCHEDULED)


def state_of(word: str) -> ParcelState | None:
    """Give the state that a word means; None for one that is unknown, which changes nothing."""
    return STATES.get(written(word))


def written(word: str) -> str:
    """Write a carrier's word in snake_case."""
    return re.sub("[^a-z]+", "_", word.casefold()).strip("_")


def worst(states: Iterable[ParcelState | None]) -> ParcelState | None:
    """Give how several parcels stand: the worst of them, or delivered if all of them are."""
    found = list(states)
    for state in WORST_FIRST:
        if state in found:
            return state
    if found and all(one is ParcelState.DELIVERED for one in found):
        return ParcelState.DELIVERED
    return ParcelState.IN_TRANSIT if ParcelState.IN_TRANSIT in found else None
