"""The notice: which version, and which rows its table has. Its words are in the catalogues."""

from dataclasses import dataclass
from datetime import UTC, datetime

# A change that concerns data already held is a new version with a new date (and people are told).
VERSION = "1"
SINCE = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Purpose:
    """One thing data is used for; `days` says how long where shop or setting decide that."""

    name: str
    days: int = 0


def purposes(cap_days: int, log_days: int) -> tuple[Purpose, ...]:
    """List what data is used for, in the order in which a buyer meets it."""
    return (
        Purpose("invite"),
        Purpose("check"),
        Purpose("often", cap_days),
        Purpose("review"),
        Purpose("author"),
        Purpose("log", log_days),
        Purpose("decisions"),
    )
