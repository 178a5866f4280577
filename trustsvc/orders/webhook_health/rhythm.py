"""Has a shop fallen silent, measured against its own rhythm? Pure.

The rhythm is how many webhook deliveries come on each weekday, counted in the eight weeks before
the last one. A shop is silent when three things are true: a whole day has passed; it misses at
least fifteen deliveries that it would have sent by now; and it misses three times as many as in its
longest pause of these weeks. A weekend without orders so misses nothing. Figures:
docs/how-to/silent-shop.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean, median

DAY = timedelta(days=1)
WINDOW = 56 * DAY
LEAST_SPAN = 14 * DAY  # a shop that is newer has no rhythm yet
LEAST_DAYS = 7
MIN_WEBHOOK_DELIVERIES = 30
LEAST_MISSED = 15.0
PAUSES = 3.0
MOST_OF_A_DAY = 3.0  # times a usual day: a bulk change of orders is no rhythm


@dataclass(frozen=True, slots=True)
class ActiveDay:
    """A day with webhook deliveries: how many, and the first and the last of them."""

    day: datetime
    count: int
    first_at: datetime
    last_at: datetime


def is_silent(days: Sequence[ActiveDay], now: datetime) -> bool:
    """Whether the shop should have sent again by now; `days` are in order, the last one ended it.

    False where too little is known to say: few deliveries, few days, a new shop.
    """
    if not days or now - days[-1].last_at < DAY:
        return False
    last = days[-1]
    known = [one for one in days if one.day >= last.day - WINDOW]
    deliveries = sum(one.count for one in known)
    if (
        last.day - known[0].day < LEAST_SPAN
        or len(known) < LEAST_DAYS
        or deliveries < MIN_WEBHOOK_DELIVERIES
    ):
        return False
    usual = usual_week(known)
    longest = max(missed(usual, one.last_at, other.first_at) for one, other in pairwise(known))
    return missed(usual, last.last_at, now) >= max(LEAST_MISSED, PAUSES * longest)


def usual_week(known: Sequence[ActiveDay]) -> list[float]:
    """Give the mean number of webhook deliveries by weekday, without the last day, not over yet."""
    most = MOST_OF_A_DAY * median(one.count for one in known)
    counts = {one.day: min(float(one.count), most) for one in known}
    first, last = known[0].day, known[-1].day
    by_weekday: list[list[float]] = [[] for _ in range(7)]
    for number in range((last - first) // DAY):
        day = first + number * DAY
        by_weekday[day.weekday()].append(counts.get(day, 0.0))
    return [fmean(some) for some in by_weekday]


def missed(usual: Sequence[float], since: datetime, until: datetime) -> float:
    """Give how many webhook deliveries usually come between two moments."""
    number, at = 0.0, since
    while at < until:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        end = min(midnight, until)
        number += usual[at.weekday()] * ((end - at) / DAY)
        at = end
    return number
