"""Several disputes or returns of one order: an open one waits, a lost or closed one ends. Pure.

The newest news of each dispute or return counts, so that winning one does not close the others.
News without an id, such as an order that lists all its returns, is about all of them and replaces
older news. Of each a keyed hash of its id, its state and the time of its news are kept.
"""

import json
from datetime import datetime

from trustsvc.orders.standing import ENDED, Standing

ALL = ""  # the id of news about all of them
WORST_FIRST = (Standing.CHARGEBACK, Standing.RETURNED, Standing.DISPUTED, Standing.RETURN_OPEN)


def merged(
    kept: str | None, register: str, claim: bytes | None, state: Standing, at: datetime
) -> tuple[str, Standing]:
    """Merge news of a dispute or return; gives what to keep, and how the register stands."""
    every: dict[str, dict[str, tuple[str, float]]] = json.loads(kept or "{}")
    claims = every.setdefault(register, {})
    key = claim.hex() if claim else ALL
    seconds = at.timestamp()
    before, since = claims.get(key, (Standing.OPEN, float("-inf")))
    if seconds > since or (seconds == since and before not in ENDED):
        claims[key] = (state.value, seconds)
    covered_until = claims[ALL][1] if ALL in claims else float("-inf")
    states = {known for one, (known, when) in claims.items() if not one or when >= covered_until}
    worst = next((one for one in WORST_FIRST if one in states), Standing.OPEN)
    return json.dumps(every, sort_keys=True, separators=(",", ":")), worst
