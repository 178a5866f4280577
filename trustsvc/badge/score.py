"""The score: mean, count and histogram of published stars. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Score:
    """How many published reviews gave 1, 2, 3, 4 and 5 stars; everything else follows from it."""

    histogram: tuple[int, int, int, int, int]

    @property
    def count(self) -> int:
        return sum(self.histogram)

    @property
    def mean(self) -> float:
        """The plain mean; 0.0 without reviews, where no page and no badge shows a score."""
        total = sum(stars * number for stars, number in enumerate(self.histogram, start=1))
        return total / self.count if self.count else 0.0

    @property
    def percents(self) -> tuple[int, ...]:
        """The shares in whole percent, which add up to 100 (largest remainders); zeros without."""
        if not self.count:
            return (0,) * len(self.histogram)
        parts = [divmod(100 * number, self.count) for number in self.histogram]
        missing = 100 - sum(whole for whole, _ in parts)
        first = sorted(range(len(parts)), key=lambda n: -parts[n][1])[:missing]
        return tuple(whole + (n in first) for n, (whole, _) in enumerate(parts))


def make_score(number_by_stars: Mapping[int, int]) -> Score:
    """Build a score from the number of reviews by stars."""
    one, two, three, four, five = (number_by_stars.get(stars, 0) for stars in range(1, 6))
    return Score((one, two, three, four, five))


def year_before(now: datetime, zone: str) -> datetime:
    """Start of the last twelve months: the same day of last year, in the shop's time zone."""
    today = now.astimezone(ZoneInfo(zone)).date()
    leap_day = (today.month, today.day) == (2, 29)
    begin = (today - timedelta(days=leap_day)).replace(year=today.year - 1)
    return datetime.combine(begin, time.min, ZoneInfo(zone))
