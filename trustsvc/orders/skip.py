"""Why an order is skipped: what the shop chose, and renewals always. Pure."""

from collections.abc import Collection, Mapping

from trustsvc.shops.settings import TAG

RENEWAL = "renewal"  # nothing new was bought
DATE_UNREADABLE = "date_unreadable"  # waits


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
