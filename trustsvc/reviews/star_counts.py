"""How many publications of a shop have so many stars: counted as they come and go.

A score is read from here, so that it costs the same with ten reviews and with a million.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from trustsvc.reviews.models import publications, star_counts
from trustsvc.storage import db

ShopAndStars = tuple[int, int]
STARS = range(1, 6)


def change(session: Session, step: int, of: Iterable[ShopAndStars]) -> None:
    """Add `step` for each publication that came (1) or went (-1), in its own transaction."""
    _write(session, {one: step * number for one, number in Counter(of).items()}, added=True)


def _write(session: Session, numbers: Mapping[ShopAndStars, int], *, added: bool) -> None:
    """Add to the stored numbers, or replace them; the rows stay locked to the end.

    In the order of shops and stars, so that two transactions never wait for each other in a circle.
    """
    lines = [
        {"shop_id": shop_id, "stars": stars, "number": number}
        for (shop_id, stars), number in sorted(numbers.items())
    ]
    if not lines:
        return
    insert = db.insert(star_counts)
    new = insert.excluded.number
    number = star_counts.c.number + new if added else new
    key = ["shop_id", "stars"]
    session.execute(
        insert.on_conflict_do_update(index_elements=key, set_={"number": number}), lines
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
    every = {(shop_id, stars): 0 for shop_id in shop_ids for stars in STARS}
    _write(session, every, added=True)
    counted = {(row.shop_id, row.stars): row.number for row in session.execute(_counted(shop_ids))}
    _write(session, every | counted, added=False)


def _counted(shop_ids: Collection[int] | None = None) -> Select[Any]:
    table = publications.c
    query = select(table.shop_id, table.stars, func.count().label("number"))
    if shop_ids is not None:
        query = query.where(table.shop_id.in_(shop_ids))
    return query.group_by(table.shop_id, table.stars)
