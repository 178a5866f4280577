"""The badge's doors, and the page it leads to. Nothing here sets a cookie or changes a state."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, render_template, request

from trustsvc import clock, db, doors, wording
from trustsvc.badge import profile, refresh, scripts, serve
from trustsvc.badge.render import svg
from trustsvc.errors import NotFound
from trustsvc.reviews.rules import REASONS

views = Blueprint("badge", __name__)

SLUG = re.compile("[a-z0-9-]{1,80}")


@views.get("/badge/v1/<slug>.<any(json,svg,html,png):kind>")
@doors.open_to("everybody")
def badge(slug: str, kind: str) -> Response:
    return _form(slug, f"badge/v1/{{shop}}.{kind}")


@views.get("/badge/v1/<slug>/<any('shields.json','reviews.json','feed.atom'):form>")
@doors.open_to("everybody")
def badge_form(slug: str, form: str) -> Response:
    return _form(slug, f"badge/v1/{{shop}}/{form}")


@views.get("/embed/<any('v1.js','v1-list.js','card.js'):script>")
@doors.open_to("everybody")
def newest_script(script: str) -> Response:
    return serve.script(scripts.all_of_them()[f"embed/{script}"], script)


@views.get("/embed/<release>/<any('badge.js','list.js'):file>")
@doors.open_to("everybody")
def released_script(release: str, file: str) -> Response:
    """Serve a release, which never changes: shops pin it by its hash."""
    body = scripts.all_of_them().get(f"embed/{release}/{file}")
    if body is None:
        raise NotFound
    return serve.script(body, file, serve.FOR_EVER)


@views.get("/s/<slug>")
@doors.open_to("everybody")
def page(slug: str) -> Response:
    language = wording.choose(request.headers.get("Accept-Language"))
    before = request.args.get("before", "")
    with db.reading() as session:
        found = profile.read(session, slug, before, clock.now())
    html = render_template(
        "badge/profile.html",
        language=language,
        profile=found,
        shop=found.shop,
        score=found.score,
        stars=svg.star_path(),
        filled=f"{svg.filled(found.score.mean):.3f}",
        paged=bool(before),
        reasons=REASONS,
        iso_day=_iso_day,
    )
    response = make_response(html)
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["Vary"] = "Accept-Language"
    return response


def _iso_day(moment: datetime, zone: str) -> str:
    """Write the day for machines: the same that people read, which is the one at the shop."""
    return moment.astimezone(ZoneInfo(zone)).date().isoformat()


def _form(slug: str, form: str) -> Response:
    """Serve a form's file; one that has none yet is rendered, and none is written."""
    if not SLUG.fullmatch(slug):
        raise NotFound
    name = form.format(shop=slug)
    if (lying := serve.file(name)) is not None:
        return lying
    with db.reading() as session:
        return serve.body(refresh.rendered(session, slug, form, clock.now()), name)
