"""Walk through the orders modified since a moment, a page at a time. Pure.

Nothing is assumed about the order of a list, because orders move through it while they are edited.
A window of time is asked for: from `since` on, open at its end. If it does not fit on one page, its
end is moved closer until it does. An order that is edited meanwhile then moves to a later window,
and pushes no other order past us. Only orders of one second, as a bulk change makes them, are
paged: to the last page and back again, because one that leaves moves the rest forward. Where a
platform pages by a token that holds its place, one way is enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trustsvc import input_limits
from trustsvc.errors import TrustsvcError
from trustsvc.orders.catch_up.status import ApiProblem

SECOND = timedelta(seconds=1)
MAX_GUESSES = 3
MAX_PAGES = 200  # of one second: a list that never ends is a fault


class ApiFailed(TrustsvcError):
    """The API gave no usable answer; holds a code and nothing of the answer."""

    title = "The shop's API gave no usable answer"

    def __init__(self, problem: ApiProblem, retry_after: timedelta | None = None) -> None:
        super().__init__(f"{self.title}: {problem}")
        self.problem = problem
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Position:
    """A window of modification times, and where in its list of pages of `size` orders we are."""

    since: datetime
    size: int
    until: datetime | None = None
    page: int = 1
    backwards: bool = False
    token: str = ""
    cuts: int = 0

    def smaller(self) -> "Position | None":
        """Give the beginning of the same window in smaller pages; None where one order is left."""
        if self.size == 1:
            return None
        return Position(self.since, max(self.size // 5, 1), self.until)

    @property
    def lower(self) -> datetime:
        """A second before: whether a platform means "from" or "after" makes no difference then."""
        return self.since - SECOND

    @property
    def upper(self) -> datetime | None:
        return self.until + SECOND if self.until else None


@dataclass(frozen=True, slots=True, repr=False)
class ListedOrder:
    """An order in a list, as JSON for its platform's parser."""

    identity: str
    modified: datetime | None
    body: bytes


@dataclass(frozen=True, slots=True, repr=False)
class OrderPage:
    """One page; `token` leads to the next one where the platform works by tokens."""

    orders: Sequence[ListedOrder]
    has_more: bool
    token: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What a page led to: up to when all orders were seen now, if further, and where to go on."""

    seen_until: datetime | None
    next: Position | None


def advance(position: Position, page: OrderPage, now: datetime) -> Step:
    """Decide what follows a page; raises ApiFailed for a list without an end."""
    if position.page >= MAX_PAGES:
        raise ApiFailed(ApiProblem.UNREADABLE)
    if position.backwards:
        if position.page > 1:
            return Step(None, replace(position, page=position.page - 1))
    elif page.has_more:
        return Step(None, _narrower(position, page, now) or _next_page(position, page))
    elif position.page > 1 and not position.token:
        return Step(None, replace(position, page=position.page - 1, backwards=True))
    if position.until is None:
        return Step(_newest(page, position.since, now), None)
    ahead = position.until + 2 * (position.until - position.since)
    return Step(
        position.until, Position(position.until, position.size, ahead if ahead < now else None)
    )


def _narrower(position: Position, page: OrderPage, now: datetime) -> Position | None:
    """Move the end of the window closer; None for a window of a second, or inside of a list.

    The first tries cut at the median of what the page shows, which leaves about half of it. Later
    ones cut the time in half, which ends whatever an API answers.
    """
    end = position.until or now
    seconds = int((end - position.since).total_seconds() / 2)
    if position.page > 1 or seconds < 1:
        return None
    until = position.since + seconds * SECOND
    moments = sorted(one.modified for one in page.orders if one.modified)
    median = moments[len(moments) // 2].replace(microsecond=0) if moments else until
    if position.cuts < MAX_GUESSES and position.since + SECOND <= median < end - SECOND:
        until = median
    return replace(position, until=until, cuts=position.cuts + 1)


def _next_page(position: Position, page: OrderPage) -> Position:
    return replace(position, page=position.page + 1, token=page.token)


def _newest(page: OrderPage, since: datetime, now: datetime) -> datetime | None:
    """Give the newest moment, by the platform's clock; one ahead of ours would skip orders."""
    newest = max((one.modified for one in page.orders if one.modified), default=None)
    return min(newest, now) if newest and newest > since else None


def json_value(body: bytes) -> object:
    """Read JSON; raises ApiFailed for anything else."""
    try:
        return input_limits.read_json(body)
    except ValueError:
        raise ApiFailed(ApiProblem.UNREADABLE) from None


def json_list(body: bytes, name: str = "") -> list[dict[str, object]]:
    """Read a list of objects, which stands under a name or alone; raises ApiFailed."""
    found = json_value(body)
    rows = found.get(name) if name and isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise ApiFailed(ApiProblem.UNREADABLE)
    return [row for row in rows if isinstance(row, dict)]
