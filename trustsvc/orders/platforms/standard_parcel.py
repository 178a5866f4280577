"""What the standard endpoint's fields and words say of a parcel. Pure."""

from datetime import datetime

from trustsvc.orders.platform_status import NOT_DELIVERED, ParcelState
from trustsvc.orders.platforms import carrier_words, fields, standard_fields, standard_words
from trustsvc.orders.platforms.standard_words import StateMeaning

NO_ESTIMATE: frozenset[str] = frozenset()
PARTLY_SENT = {"partial", "partly_shipped", "partly_fulfilled"}


def delivery(
    data: fields.Tree, meaning: StateMeaning, delivered_at: datetime | None
) -> tuple[ParcelState | None, frozenset[str]]:
    """Say how the parcel stands, and what is an estimate: the moment, if only a field tells.

    A field that says that it was not delivered counts before type and status.
    """
    noted = _noted(data)
    if noted in NOT_DELIVERED:
        return noted, NO_ESTIMATE
    if meaning.delivery or delivered_at:
        return meaning.delivery or ParcelState.DELIVERED, NO_ESTIMATE
    return noted, frozenset({"delivery"} if noted is ParcelState.DELIVERED else ())


def _noted(data: fields.Tree) -> ParcelState | None:
    """Read the fields of shipping; of several the worst counts."""
    words = [fields.text(data, path) for path in standard_fields.FULFILLMENT_STATUS]
    return carrier_words.worst(_state_of(standard_words.normalised(word)) for word in words if word)


def _state_of(word: str) -> ParcelState | None:
    if word in PARTLY_SENT:
        return ParcelState.IN_TRANSIT
    known = standard_words.STATES.get(word)
    if known in {standard_words.PARTLY_SENT, standard_words.RESTOCKED}:
        return known.delivery
    return carrier_words.state_of(word)
