"""When something will be: asked of a question whose answer, once yes, stays yes."""

from collections.abc import Callable
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
FAR = 20 * 366 * 24 * 60  # no rule of ours waits longer


def first(holds: Callable[[datetime], bool], now: datetime) -> datetime | None:
    """Find the first minute at which it holds, from now on; None where it will not in 20 years."""
    if holds(now):
        return now
    if not holds(now + FAR * MINUTE):
        return None
    no, yes = 0, FAR
    while yes - no > 1:
        middle = (no + yes) // 2
        if holds(now + middle * MINUTE):
            yes = middle
        else:
            no = middle
    return now + yes * MINUTE
