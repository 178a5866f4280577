"""Render badges to files when the score changes, not when a visitor comes."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.badge import face, files
from trustsvc.badge.render import numbers, svg
from trustsvc.badge.render.face import Face
from trustsvc.shops import find

# Every form of a shop's badge: its address below `/`, and what writes it.
FORMS: Mapping[str, Callable[[Face], bytes]] = {
    "badge/v1/{shop}.json": numbers.as_json,
    "badge/v1/{shop}.svg": svg.as_svg,
}


def refresh_changed(session: Session, now: datetime) -> int:
    """Refresh whatever changed; gives how many files were written.

    All shops are counted in one grouped query and only differing bytes are written. That is cheaper
    than it looks, and heals a file that was lost or written by a slower process with old numbers.
    """
    return _write_all(session, find.everyone(session), now)


def refresh(session: Session, shop_ids: Collection[int], now: datetime) -> int:
    """Refresh the badges of these shops; gives how many files were written. Twice writes none."""
    return _write_all(session, find.by_ids(session, shop_ids).values(), now)


def _write_all(session: Session, shops: Collection[find.Shop], now: datetime) -> int:
    written = 0
    faces = face.read(session, shops, now)
    for shop in shops:
        for name, write in FORMS.items():
            written += files.put(name.format(shop=shop.slug), write(faces[shop.id]))
    return written
