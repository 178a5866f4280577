"""Whether an order was paid, or sent, and since when. Pure.

A platform that says that it is so, but not since when, gives the time of its last change: each edit
of a note would move the invitation. So the first of these estimates counts while it stays so, and a
moment that is stated counts before any. News that comes late may say that it was not so in between;
therefore the estimates are kept, with the time of the news that gave each.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

MAX_ESTIMATES = 32
LONG_AGO = float("-inf")

# As JSON: seconds, [at, moment] and several of those.
MilestoneEntry = TypedDict(
    "MilestoneEntry",
    {"not": float, "stated": list[float], "estimates": list[list[float]]},
    total=False,
)


@dataclass(frozen=True, slots=True)
class Milestone:
    """What is stated at a time; `is_so` is None where nothing was ever stated."""

    is_so: bool | None
    moment: datetime | None
    at: datetime | None


def merged(
    kept: MilestoneEntry | None, known: Milestone, news: Milestone, *, is_estimate: bool
) -> tuple[MilestoneEntry | None, Milestone]:
    """Merge news; gives what to keep, None while no moment is an estimate, and how it stands.

    The newest news says whether it is so. Twice changes nothing.
    """
    entry = kept.copy() if kept else _of_known(known)
    at = news.at.timestamp() if news.at else LONG_AGO
    before = known.at.timestamp() if known.at else LONG_AGO
    if not news.is_so:
        _cut(entry, at)
    elif news.moment and at >= entry.get("not", LONG_AGO):
        one = [at, news.moment.timestamp()]
        if is_estimate:
            every = sorted({tuple(x) for x in [*entry.get("estimates", ()), one]})
            half = MAX_ESTIMATES // 2
            few = every if len(every) <= MAX_ESTIMATES else every[:half] + every[-half:]
            entry["estimates"] = [list(x) for x in few]
        elif at >= entry.get("stated", [LONG_AGO])[0]:
            entry["stated"] = one
    newest = known if at < before else news
    moment = _moment(entry) if newest.is_so else newest.moment
    has_estimates = bool(kept) or "estimates" in entry
    return entry if has_estimates else None, Milestone(newest.is_so, moment, newest.at)


def _of_known(known: Milestone) -> MilestoneEntry:
    if known.at is None:
        return {}
    if not known.is_so:
        return {"not": known.at.timestamp()}
    return {"stated": [known.at.timestamp(), known.moment.timestamp()]} if known.moment else {}


def _cut(entry: MilestoneEntry, at: float) -> None:
    """Forget what was stated up to then: it was not so any more."""
    entry["not"] = max(at, entry.get("not", LONG_AGO))
    if "stated" in entry and entry["stated"][0] <= at:
        del entry["stated"]
    if "estimates" in entry:
        entry["estimates"] = [one for one in entry["estimates"] if one[0] > at]


def _moment(entry: MilestoneEntry) -> datetime | None:
    if "stated" in entry:
        return datetime.fromtimestamp(entry["stated"][1], UTC)
    moments = [moment for _, moment in entry.get("estimates", ())]
    return datetime.fromtimestamp(min(moments), UTC) if moments else None
