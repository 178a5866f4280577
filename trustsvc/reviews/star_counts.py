"""How many publications of a shop have so many stars: counted as they come and go.

A score is read from here, so that it costs the same with ten reviews and with a million.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from trustsvc.reviews.models import publications, star_counts
from trustsvc.storage import db

ShopAndStars = tuple[int, int]
STARS = range(1, 6)


def change(session: Session, step: int, of: Iterable[ShopAndStars]) -> None:
    """Add `step` for each publication that came (1) or went (-1), in the transaction that did it.

    In the order of shops and stars, so that two transactions never wait for each other.
    """
    lines = [
        {"shop_id": shop_id, "stars": stars, "number": step * number}
        for (shop_id, stars), number in sorted(Counter(of).items())
    ]
    if not lines:
        return
    insert = db.insert(star_counts)
    add = {"number": star_counts.c.number + insert.excluded.number}
    session.execute(
        insert.on_conflict_do_update(index_elements=["shop_id", "stars"], set_=add), lines
    )


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


def differing(session: Session) -> list[int]:
    """Count all publications; gives the ids of the shops whose stored numbers are others."""
    counted = {(row.shop_id, row.stars): row.number for row in session.execute(_counted())}
    stored = {
        (row.shop_id, row.stars): row.number
        for row in session.execute(select(star_counts).where(star_counts.c.number != 0))
    }
    return sorted({shop_id for (shop_id, _), _ in counted.items() ^ stored.items()})


def recount(session: Session, shop_ids: Collection[int]) -> None:
    """Count the publications of these shops again, whatever the stored numbers are.

    The rows are locked first, so that a publication at the same moment is counted once.
    """
    every = [(shop_id, stars) for shop_id in shop_ids for stars in STARS]
    change(session, 0, every)
    counted = {(row.shop_id, row.stars): row.number for row in session.execute(_counted(shop_ids))}
    for shop_id, stars in every:
        row = (star_counts.c.shop_id == shop_id) & (star_counts.c.stars == stars)
        number = counted.get((shop_id, stars), 0)
        session.execute(update(star_counts).where(row).values(number=number))


def _counted(shop_ids: Collection[int] | None = None) -> Select[Any]:
    table = publications.c
    query = select(table.shop_id, table.stars, func.count().label("number"))
    if shop_ids is not None:
        query = query.where(table.shop_id.in_(shop_ids))
    return query.group_by(table.shop_id, table.stars)
