"""Render badges to files when the score changes, not when a visitor comes."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.badge import content, newest_reviews, public_files, scripts
from trustsvc.badge.render import feed, fragment, png, reviews_json, score_json, shields, svg
from trustsvc.badge.render.badge_content import Face
from trustsvc.badge.render.review_lines import Newest
from trustsvc.shops import directory

FOLDER = "badge/v1"
# Every form of a shop's badge: its address below `/`, and what writes it.
FORMS: Mapping[str, Callable[[Face], bytes]] = {
    "badge/v1/{shop}.json": score_json.as_json,
    "badge/v1/{shop}.svg": svg.as_svg,
    "badge/v1/{shop}/shields.json": shields.as_shields,
}
# Those that say more than the badge does.
FORMS_OF_NEWEST: Mapping[str, Callable[[Newest], bytes]] = {
    "badge/v1/{shop}.html": fragment.as_html,
    "badge/v1/{shop}/reviews.json": reviews_json.as_reviews,
    "badge/v1/{shop}/feed.atom": feed.as_atom,
}
DRAWN, BITMAP = "badge/v1/{shop}.svg", "badge/v1/{shop}.png"


def refresh_changed(session: Session, now: datetime) -> int:
    """Refresh whatever changed; gives how many files were written.

    All shops are counted in one grouped query and only differing bytes are written. That is cheaper
    than it looks, and heals a file that was lost or written by a slower process with old numbers.
    What is left of a shop that is gone, or of a writer that was stopped, is removed. Raises the
    first OSError once all that can be written is.
    """
    there = public_files.slugs(FOLDER)  # first: a shop that is enrolled meanwhile keeps its files
    shops = directory.all_shops(session)
    public_files.remove(FOLDER, there - {shop.slug for shop in shops})
    public_files.clear_away(now)
    return scripts.place() + _write_all(session, shops, now)


def refresh(session: Session, shop_ids: Collection[int], now: datetime) -> int:
    """Refresh the badges of these shops; gives how many files were written. Twice writes none."""
    return _write_all(session, directory.by_ids(session, shop_ids).values(), now)


def rendered(session: Session, slug: str, form: str, now: datetime) -> bytes:
    """Render one form of a shop's badge as its file would be, and write none; raises NotFound."""
    shop = directory.by_slug(session, slug)
    faces = content.read(session, [shop], now)
    if form in FORMS_OF_NEWEST:
        return FORMS_OF_NEWEST[form](newest_reviews.read(session, [shop], faces)[shop.id])
    if form == BITMAP:
        return png.as_png(FORMS[DRAWN](faces[shop.id]))
    return FORMS[form](faces[shop.id])


def _write_all(session: Session, shops: Collection[directory.Shop], now: datetime) -> int:
    """Write what differs. A file that cannot be written keeps no other from being written."""
    written, failed = 0, []
    faces = content.read(session, shops, now)
    read_on = newest_reviews.read(session, shops, faces)
    for shop in shops:
        for name in (BITMAP, *FORMS, *FORMS_OF_NEWEST):
            try:
                written += _write(name, shop.slug, faces[shop.id], read_on[shop.id])
            except OSError as problem:
                failed.append(problem)
    if failed:
        raise failed[0]
    return written


def _write(form: str, slug: str, face_of: Face, newest_of: Newest) -> int:
    if form == BITMAP:
        return _draw_anew(slug, FORMS[DRAWN](face_of))
    name = form.format(shop=slug)
    if form in FORMS_OF_NEWEST:
        return public_files.put(name, FORMS_OF_NEWEST[form](newest_of))
    return public_files.put(name, FORMS[form](face_of))


def _draw_anew(slug: str, drawn: bytes) -> int:
    """Draw the bitmap before its image is put in place, so that one that failed is drawn later."""
    name = BITMAP.format(shop=slug)
    if public_files.holds(DRAWN.format(shop=slug), drawn) and public_files.is_there(name):
        return 0
    return public_files.put(name, png.as_png(drawn), twins=False)
