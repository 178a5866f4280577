"""Why an order is skipped or waits, field by field, where a body states only some. Pure.

A field that a body does not state keeps its newest value. A value that is no reason is kept too,
because an older one may come later.
"""

from collections.abc import Mapping
from datetime import datetime

from trustsvc.orders import skip

Kept = dict[str, tuple[str, float]]  # name of the field -> reason or "", seconds


def merged(
    kept: Kept | None, stated: Mapping[str, str], at: datetime
) -> tuple[Kept, str | None, bool]:
    """Merge news; gives what to keep, why to skip the order, and if a date is unreadable."""
    values = dict(kept or {})
    seconds = at.timestamp()
    for name, value in stated.items():
        if name not in values or seconds >= values[name][1]:
            values[name] = (value, seconds)
    reasons = {value for value, _ in values.values() if value}
    skipped = sorted(reasons - {skip.DATE_UNREADABLE}, key=lambda one: (one != skip.RENEWAL, one))
    return values, next(iter(skipped), None), skip.DATE_UNREADABLE in reasons
