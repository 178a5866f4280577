"""Render the badges whose score, seal, words or day changed, and the keys they are signed with."""

from trustsvc import clock
from trustsvc.badge import refresh


def refresh_badges() -> None:
    """Write the files that differ; running twice writes nothing the second time."""
    refresh.refresh_here(clock.now())
