"""Several disputes, returns or parcels of one order: the worst of them counts. Pure.

The newest news of each counts, so that winning a dispute, or the arrival of a parcel, does not
close the others. News without an id, such as an order that lists all its returns, is about all of
them and replaces older news. Of each a keyed hash of its id, its state and the time of its news are
kept.
"""

from datetime import UTC, datetime

from trustsvc.orders.platform_status import ENDED, NOT_DELIVERED, ParcelState, PlatformStatus

ClaimStates = dict[str, tuple[str, float]]  # keyed hash of the id in hex -> state, seconds

ALL = ""  # the id of news about all of them
WORST_FIRST = (
    *(PlatformStatus.CHARGEBACK, PlatformStatus.RETURNED, PlatformStatus.REFUNDED),
    *(PlatformStatus.DISPUTED, PlatformStatus.RETURN_OPEN, PlatformStatus.REFUND_OPEN),
)


def merged(
    kept: ClaimStates | None, claim: bytes | None, state: PlatformStatus, at: datetime
) -> tuple[ClaimStates, PlatformStatus]:
    """Merge news of a dispute or return; gives what to keep, and how all of them stand."""
    claims = dict(kept or {})
    key = claim.hex() if claim else ALL
    seconds = at.timestamp()
    before, since = claims.get(key, (PlatformStatus.OPEN, float("-inf")))
    if seconds > since or (seconds == since and before not in ENDED):
        claims[key] = (state.value, seconds)
    covered_until = claims[ALL][1] if ALL in claims else float("-inf")
    states = {known for one, (known, when) in claims.items() if not one or when >= covered_until}
    return claims, next((one for one in WORST_FIRST if one in states), PlatformStatus.OPEN)


def delivered(
    kept: ClaimStates | None,
    parcel: bytes | None,
    state: ParcelState,
    at: datetime,
    *,
    is_estimate: bool,
) -> tuple[ClaimStates, ParcelState, datetime]:
    """Merge news of a parcel; gives what to keep, how all parcels stand, and since when.

    One that was not delivered counts until it is, whatever becomes of the others. News without an
    id yields to newer news of one parcel. An estimated time never moves a known one to later.
    """
    parcels = dict(kept or {})
    key = parcel.hex() if parcel else ALL
    seconds = at.timestamp()
    before, since = parcels.get(key, ("", float("-inf")))
    if is_estimate and before == state:
        parcels[key] = (state.value, min(seconds, since))
    elif seconds >= since:
        parcels[key] = (state.value, seconds)
    of_all = parcels.get(ALL)
    live = [one for one in parcels.values() if of_all is None or one[1] >= of_all[1]]
    if len(live) > 1 and of_all:
        live.remove(of_all)
    failed = [one for one in live if one[0] in NOT_DELIVERED]
    found, when = max(failed or live, key=lambda one: one[1])
    return parcels, ParcelState(found), datetime.fromtimestamp(when, UTC)
