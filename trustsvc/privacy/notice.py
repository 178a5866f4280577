"""The notice: which version, and which rows its table has. Its words are in the catalogues.

Every period in it is taken from the rules by which the purge deletes, so that it cannot say another
than what is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from trustsvc.privacy.due import LONGEST
from trustsvc.privacy.retention import RULES
from trustsvc.shops.find import Shop

# A change that concerns data already held is a new version with a new date (and people are told).
VERSION = "1"
SINCE = datetime(2026, 11, 21, tzinfo=UTC)
YEAR = 365


@dataclass(frozen=True, slots=True)
class Purpose:
    """One thing data is used for, and for how many days; 0 where an event ends it."""

    name: str
    days: int = 0
    unpaid: int = 0
    longest: int = 0

    @property
    def years(self) -> int:
        return self.days // YEAR


def purposes(shop: Shop, log_days: int) -> Sequence[Purpose]:
    """List what data is used for, in the order in which a buyer meets it."""
    return (
        Purpose("invite", _days("invited buyer"), unpaid=shop.max_age_days, longest=LONGEST.days),
        Purpose("letters", _days("letters in the maildir")),
        Purpose("check"),
        Purpose("often", max(_days("cap period"), shop.cap_days)),
        Purpose("twice", _days("delivery id")),
        Purpose("answers", _days("correspondence")),
        Purpose("review", _days("review")),
        Purpose("author", _days("review")),
        Purpose("log", log_days),
        Purpose("requests", _days("register of requests")),
        Purpose("decisions", _days("ledger")),
    )


def _days(rule: str) -> int:
    return RULES[rule].days or 0
