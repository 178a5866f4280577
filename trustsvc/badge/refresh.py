"""Render badges to files when the score changes, not when a visitor comes."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.badge import content, newest_reviews, public_files, scripts
from trustsvc.badge.render import feed, json_forms, png, snippets, svg
from trustsvc.badge.render.content import BadgeContent, ReviewListContent
from trustsvc.shops import directory

FOLDER = "badge/v1"
# Every form of a shop's badge: its address below `/`, and what writes it.
BADGE_FORMS: Mapping[str, Callable[[BadgeContent], bytes]] = {
    "badge/v1/{shop}.json": json_forms.as_json,
    "badge/v1/{shop}.svg": svg.as_svg,
    "badge/v1/{shop}/shields.json": json_forms.as_shields,
}
# Those that say more than the badge does.
REVIEW_LIST_FORMS: Mapping[str, Callable[[ReviewListContent], bytes]] = {
    "badge/v1/{shop}.html": snippets.as_html,
    "badge/v1/{shop}/reviews.json": json_forms.as_reviews,
    "badge/v1/{shop}/feed.atom": feed.as_atom,
}
SVG_FORM, PNG_FORM = "badge/v1/{shop}.svg", "badge/v1/{shop}.png"


def refresh_changed(session: Session, now: datetime) -> int:
    """Refresh whatever changed; gives how many files were written.

    All shops are counted in one grouped query and only differing bytes are written. That is cheaper
    than it looks, and heals a file that was lost or written by a slower process with old numbers.
    What is left of a shop that is gone, or of a writer that was stopped, is removed. Raises the
    first OSError once all that can be written is.
    """
    there = public_files.shop_slugs(
        FOLDER
    )  # first: a shop that is enrolled meanwhile keeps its files
    shops = directory.all_shops(session)
    public_files.remove(FOLDER, there - {shop.slug for shop in shops})
    public_files.remove_leftovers(now)
    return scripts.write_scripts() + _write_all(session, shops, now)


def refresh(session: Session, shop_ids: Collection[int], now: datetime) -> int:
    """Refresh the badges of these shops; gives how many files were written. Twice writes none."""
    return _write_all(session, directory.by_ids(session, shop_ids).values(), now)


def render_form(session: Session, slug: str, form: str, now: datetime) -> bytes:
    """Render one form of a shop's badge as its file would be, and write none; raises NotFound."""
    shop = directory.by_slug(session, slug)
    faces = content.read(session, [shop], now)
    if form in REVIEW_LIST_FORMS:
        return REVIEW_LIST_FORMS[form](newest_reviews.read(session, [shop], faces)[shop.id])
    if form == PNG_FORM:
        return png.as_png(BADGE_FORMS[SVG_FORM](faces[shop.id]))
    return BADGE_FORMS[form](faces[shop.id])


def _write_all(session: Session, shops: Collection[directory.Shop], now: datetime) -> int:
    """Write what differs. A file that cannot be written keeps no other from being written."""
    written, failed = 0, []
    faces = content.read(session, shops, now)
    read_on = newest_reviews.read(session, shops, faces)
    for shop in shops:
        for name in (PNG_FORM, *BADGE_FORMS, *REVIEW_LIST_FORMS):
            try:
                written += _write(name, shop.slug, faces[shop.id], read_on[shop.id])
            except OSError as problem:
                failed.append(problem)
    if failed:
        raise failed[0]
    return written


def _write(form: str, slug: str, face_of: BadgeContent, newest_of: ReviewListContent) -> int:
    if form == PNG_FORM:
        return _draw_anew(slug, BADGE_FORMS[SVG_FORM](face_of))
    name = form.format(shop=slug)
    if form in REVIEW_LIST_FORMS:
        return public_files.write(name, REVIEW_LIST_FORMS[form](newest_of))
    return public_files.write(name, BADGE_FORMS[form](face_of))


def _draw_anew(slug: str, drawn: bytes) -> int:
    """Draw the bitmap before its image is put in place, so that one that failed is drawn later."""
    name = PNG_FORM.format(shop=slug)
    if public_files.has_content(SVG_FORM.format(shop=slug), drawn) and public_files.exists(name):
        return 0
    return public_files.write(name, png.as_png(drawn), twins=False)
