"""How many publications of a shop have so many stars, in all and of each day.

Counted as they come and go. A score is read from here, so that it costs the same with ten reviews
and with a million.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, Table, delete, func, select, type_coerce, union_all
from sqlalchemy.orm import Session

from trustsvc.reviews.count_models import daily_star_counts, star_counts
from trustsvc.reviews.models import publications
from trustsvc.storage import db
from trustsvc.storage.columns import EPOCH

STARS = range(1, 6)
DAY = timedelta(days=1)
Counted = tuple[int, int, datetime]  # shop, stars, when it was published
_Numbers = Mapping[tuple[int, ...], int]  # by the primary key
_ALL = ("shop_id", "stars")
_DAILY = ("shop_id", "day", "stars")


def change(session: Session, step: int, of: Iterable[Counted]) -> None:
    """Add `step` for each publication that came (1) or went (-1), in its own transaction."""
    every = list(of)
    in_all = Counter((shop_id, stars) for shop_id, stars, _ in every)
    of_days = Counter((shop_id, (at - EPOCH) // DAY, stars) for shop_id, stars, at in every)
    for table, key, numbers in ((star_counts, _ALL, in_all), (daily_star_counts, _DAILY, of_days)):
        _add(session, table, key, {one: step * number for one, number in numbers.items()})


def _add(session: Session, table: Table, key: Sequence[str], numbers: _Numbers) -> None:
    """Add to the stored numbers; the rows stay locked to the end.

    In the order of their keys, so that two transactions never wait for each other in a circle.
    """
    lines = _lines(key, numbers)
    if not lines:
        return
    insert = db.insert(table)
    total = table.c.number + insert.excluded.number
    session.execute(
        insert.on_conflict_do_update(index_elements=list(key), set_={"number": total}), lines
    )


def _lines(key: Sequence[str], numbers: _Numbers) -> list[dict[str, int]]:
    return [
        dict(zip((*key, "number"), (*one, number), strict=True))
        for one, number in sorted(numbers.items())
    ]


def read(session: Session, shop_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Give the number of publications by stars of each shop that has any."""
    table = star_counts.c
    rows = session.execute(
        select(table.shop_id, table.stars, table.number).where(table.shop_id.in_(shop_ids))
    )
    numbers: dict[int, dict[int, int]] = defaultdict(dict)
    for shop_id, stars, number in rows:
        numbers[shop_id][stars] = number
    return numbers


def read_since(session: Session, shop_id: int, since: datetime) -> dict[int, int]:
    """Give the number of publications of a shop by stars, of those published since a moment.

    Whole days are summed; what was published on the day of that moment is counted one by one.
    """
    whole = -((EPOCH - since) // DAY)  # the first day that begins then or later
    daily, table = daily_star_counts.c, publications.c
    days = (
        select(daily.stars, func.sum(daily.number))
        .where(daily.shop_id == shop_id, daily.day >= whole)
        .group_by(daily.stars)
    )
    rest = (
        select(table.stars, func.count())
        # Each number of stars is named: so the index leaves out all other days.
        .where(table.shop_id == shop_id, table.stars.in_(STARS))
        .where(table.published_at >= since, table.published_at < EPOCH + whole * DAY)
        .group_by(table.stars)
    )
    numbers: Counter[int] = Counter()
    for stars, number in session.execute(union_all(days, rest)):
        numbers[stars] += int(number)
    return numbers


def differing(session: Session) -> list[int]:
    """Count all publications; gives the ids of the shops whose stored numbers are others."""
    found: set[int] = set()
    for table, key in ((star_counts, _ALL), (daily_star_counts, _DAILY)):
        columns = [table.c[name] for name in (*key, "number")]
        stored = {tuple(row) for row in session.execute(select(*columns).where(columns[-1] != 0))}
        counted = {tuple(row) for row in session.execute(_counted(key))}
        found |= {row[0] for row in stored ^ counted}
    return sorted(found)


def recount(session: Session, shop_ids: Collection[int]) -> None:
    """Count the publications of these shops again, whatever the stored numbers are.

    The rows are locked first, so that a publication at the same moment is counted once.
    """
    every: _Numbers = {(shop_id, stars): 0 for shop_id in shop_ids for stars in STARS}
    _add(session, star_counts, _ALL, every)
    for table, key in ((star_counts, _ALL), (daily_star_counts, _DAILY)):
        counted = {tuple(row[:-1]): row[-1] for row in session.execute(_counted(key, shop_ids))}
        session.execute(delete(table).where(table.c.shop_id.in_(shop_ids)))
        if counted:
            session.execute(table.insert(), _lines(key, counted))


def _counted(key: Sequence[str], shop_ids: Collection[int] | None = None) -> Select[Any]:
    table = publications.c
    day = type_coerce(table.published_at, BigInteger) // (DAY // timedelta(milliseconds=1))
    columns = [day.label("day") if name == "day" else table[name] for name in key]
    query = select(*columns, func.count().label("number"))
    if shop_ids is not None:
        query = query.where(table.shop_id.in_(shop_ids))
    return query.group_by(*key)
