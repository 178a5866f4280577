"""Why an order is skipped: what the shop chose, and renewals always. Pure."""

from collections.abc import Collection

from trustsvc.shops.settings import TAG

RENEWAL = "renewal"  # nothing new was bought


def reason(chosen: str, traits: Collection[str]) -> str | None:
    """Give the code of the first reason to skip an order; a tag's name is not repeated."""
    if RENEWAL in traits:
        return RENEWAL
    found = next((one for one in chosen.split(",") if one in traits), None)
    return "tag" if found and found.startswith(TAG) else found
