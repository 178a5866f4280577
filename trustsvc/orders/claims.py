"""Several disputes or returns of one order: any open one holds, a lost or closed one ends. Pure.

The newest news of each counts, so that one that was won or declined lets no other go. News without
an id, such as an order that lists all its returns, is newer than all that came before it. What is
kept of each is a keyed hash of its id, its state and the time of it.
"""

import json
from datetime import datetime

from trustsvc.orders.standing import ENDED, Standing
from trustsvc.storage.columns import EPOCH

ALL = ""  # the id of news about all of them
WORST_FIRST = (Standing.CHARGEBACK, Standing.RETURNED, Standing.DISPUTED, Standing.RETURN_OPEN)


def merged(
    kept: str | None, register: str, claim: bytes | None, state: Standing, at: datetime
) -> tuple[str, Standing]:
    """Merge news of a dispute or return; gives what to keep, and how the register stands."""
    every: dict[str, dict[str, tuple[str, float]]] = json.loads(kept or "{}")
    claims = every.setdefault(register, {})
    key = claim.hex() if claim else ALL
    seconds = (at - EPOCH).total_seconds()
    before, since = claims.get(key, (Standing.OPEN, float("-inf")))
    if seconds > since or (seconds == since and before not in ENDED):
        claims[key] = (state.value, seconds)
    covered_until = claims[ALL][1] if ALL in claims else float("-inf")
    states = {known for one, (known, when) in claims.items() if not one or when >= covered_until}
    worst = next((one for one in WORST_FIRST if one in states), Standing.OPEN)
    return json.dumps(every, sort_keys=True, separators=(",", ":")), worst
