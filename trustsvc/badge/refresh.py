"""Render badges to files when the score changes, not on request."""

import os
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from trustsvc import clock, log
from trustsvc.badge import content, newest_reviews, public_files, scripts
from trustsvc.badge.render import feed, json_forms, png, snippets, svg
from trustsvc.badge.render.content import BadgeContent, ReviewListContent
from trustsvc.badge.statement import signing
from trustsvc.shops import directory
from trustsvc.storage import db, periodic_write
from trustsvc.work_queue import stop_request

FOLDER = "badge/v1"
# Path below `/` of each form of a badge, and its renderer.
BADGE_FORMS: Mapping[str, Callable[[BadgeContent], bytes]] = {
    "badge/v1/{shop}.json": json_forms.as_json,
    "badge/v1/{shop}.svg": svg.as_svg,
    "badge/v1/{shop}/shields.json": json_forms.as_shields,
}
# The forms that list reviews.
REVIEW_LIST_FORMS: Mapping[str, Callable[[ReviewListContent], bytes]] = {
    "badge/v1/{shop}.html": snippets.as_html,
    "badge/v1/{shop}/reviews.json": json_forms.as_reviews,
    "badge/v1/{shop}/feed.atom": feed.as_atom,
}
SVG_FORM, PNG_FORM = "badge/v1/{shop}.svg", "badge/v1/{shop}.png"
# Its time is that of the end of the last refresh on this host.
REFRESHED_FILE = "refreshed"
# What is withdrawn leaves the files within a minute, whoever writes them.
LATE_AFTER = timedelta(seconds=45)
CHECK_S = 10
SHOPS_AT_ONCE = 20  # read right before they are written: what is withdrawn meanwhile is seen

logger = log.get_logger("badge")


def refresh_here(now: datetime) -> int:
    """Write the files of this host that differ; gives how many. Twice writes none the second time.

    Nothing is done while another process of this host is at it.
    """
    with public_files.only_one_refresher() as is_ours:
        if not is_ours:
            return 0
        signing.publish_keys(now)  # first: whoever finds a new signature finds its key
        try:
            with db.reading() as session:
                return refresh_changed(session, now)
        finally:
            _note_refreshed()


def _note_refreshed() -> None:
    mark = public_files.folder() / REFRESHED_FILE
    mark.touch()
    at = clock.now().timestamp()
    os.utime(mark, (at, at))


def start() -> None:
    """Refresh from a thread of this process while no worker does so on this host.

    On a host with web processes only, badges would stay as they were, withdrawn names too.
    """
    periodic_write.repeat("badges", CHECK_S, lambda: refresh_if_late(clock.now()), _report_failure)


def refresh_if_late(now: datetime) -> bool:
    """Refresh if nobody did for LATE_AFTER; says whether it was so."""
    try:
        at = (public_files.folder() / REFRESHED_FILE).stat().st_mtime
    except FileNotFoundError:
        at = 0.0
    if abs(now.timestamp() - at) < LATE_AFTER.total_seconds():
        return False
    refresh_here(now)
    return True


def _report_failure(problem: str) -> None:
    logger.warning("badge.not_refreshed", problem=problem)


def refresh_changed(session: Session, now: datetime) -> int:
    """Refresh every badge that changed; returns the number of files written.

    A grouped query counts twenty shops, and only differing bytes are written. This repairs files
    that were lost or written by a slower process with old numbers. Files of removed shops and of
    interrupted writers are deleted. Raises the first OSError after writing all it can.
    """
    # Read first: a shop that is enrolled meanwhile keeps its files.
    with_files = public_files.shop_slugs(FOLDER)
    shops = directory.all_shops(session)
    public_files.remove(FOLDER, with_files - {shop.slug for shop in shops})
    public_files.remove_leftovers(now)
    return scripts.write_scripts() + _write_all(session, shops, now)


def refresh(session: Session, shop_ids: Collection[int], now: datetime) -> int:
    """Refresh the badges of these shops; returns the number of files written; twice writes none."""
    return _write_all(session, directory.by_ids(session, shop_ids).values(), now)


def render_form(session: Session, slug: str, form: str, now: datetime) -> bytes:
    """Render one form of a shop's badge without writing it; raises NotFound."""
    shop = directory.by_slug(session, slug)
    badges = content.read(session, [shop], now)
    if form in REVIEW_LIST_FORMS:
        return REVIEW_LIST_FORMS[form](newest_reviews.read(session, [shop], badges)[shop.id])
    if form == PNG_FORM:
        return png.as_png(BADGE_FORMS[SVG_FORM](badges[shop.id]))
    return BADGE_FORMS[form](badges[shop.id])


def _write_all(session: Session, shops: Collection[directory.Shop], now: datetime) -> int:
    """Write what differs; a file that fails does not stop the others, a request to stop does."""
    written, failed = 0, []
    every = list(shops)
    for start_at in range(0, len(every), SHOPS_AT_ONCE):
        some = every[start_at : start_at + SHOPS_AT_ONCE]
        badges = content.read(session, some, now)
        review_lists = newest_reviews.read(session, some, badges)
        for shop in some:
            if stop_request.is_made():
                return written
            for name in (PNG_FORM, *BADGE_FORMS, *REVIEW_LIST_FORMS):
                try:
                    written += _write(name, shop.slug, badges[shop.id], review_lists[shop.id])
                except OSError as problem:
                    failed.append(problem)
    if failed:
        raise failed[0]
    return written


def _write(form: str, slug: str, badge: BadgeContent, newest: ReviewListContent) -> int:
    if form == PNG_FORM:
        return _write_png(slug, BADGE_FORMS[SVG_FORM](badge))
    name = form.format(shop=slug)
    if form in REVIEW_LIST_FORMS:
        return public_files.write(name, REVIEW_LIST_FORMS[form](newest))
    return public_files.write(name, BADGE_FORMS[form](badge))


def _write_png(slug: str, drawn: bytes) -> int:
    """Draw the bitmap before its SVG is written, so that a failed one is drawn next time."""
    name = PNG_FORM.format(shop=slug)
    if public_files.has_content(SVG_FORM.format(shop=slug), drawn) and public_files.exists(name):
        return 0
    return public_files.write(name, png.as_png(drawn), twins=False)
