"""Why an order is skipped or waits: what the shop chose, and renewals always. Pure.

A body may state only some fields. A field that it does not state keeps its newest value. A value
that is no reason to skip is kept too, because an older one may arrive later.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from trustsvc.shops.settings import TAG

RENEWAL = "renewal"  # nothing new was bought
DATE_UNREADABLE = "date_unreadable"  # waits

ReasonsByField = dict[str, tuple[str, float]]  # field -> reason or "", seconds


def reason(chosen: str, traits: Collection[str]) -> str | None:
    """Give the code of the first reason to skip an order; a tag's name is not repeated."""
    if RENEWAL in traits:
        return RENEWAL
    found = next((one for one in chosen.split(",") if one in traits), None)
    return "tag" if found and found.startswith(TAG) else found


def by_field(chosen: str, details: Mapping[str, frozenset[str]] | None) -> dict[str, str] | None:
    """Give the code of each field that a body states, "" where it is no reason."""
    if details is None:
        return None
    return {
        name: DATE_UNREADABLE if DATE_UNREADABLE in traits else reason(chosen, traits) or ""
        for name, traits in details.items()
    }


def merge_by_field(
    kept: ReasonsByField | None, stated: Mapping[str, str], at: datetime
) -> tuple[ReasonsByField, str | None, bool]:
    """Merge news; gives what to keep, why to skip the order, and if a date is unreadable."""
    values = dict(kept or {})
    seconds = at.timestamp()
    for name, value in stated.items():
        if name not in values or seconds >= values[name][1]:
            values[name] = (value, seconds)
    reasons = {value for value, _ in values.values() if value}
    skipped = sorted(reasons - {DATE_UNREADABLE}, key=lambda one: (one != RENEWAL, one))
    return values, next(iter(skipped), None), DATE_UNREADABLE in reasons
