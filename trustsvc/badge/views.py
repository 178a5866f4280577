"""The badge's doors, and the page it leads to. Nothing here sets a cookie or changes a state."""

import base64
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import hashes
from flask import Blueprint, Response, make_response, render_template, request

from trustsvc import clock, db, doors, wording
from trustsvc.badge import face, files, profile, refresh
from trustsvc.badge.proof import signing
from trustsvc.badge.render import svg
from trustsvc.errors import NotFound
from trustsvc.reviews.rules import REASONS
from trustsvc.shops import find

views = Blueprint("badge", __name__)

TYPES = {"json": "application/json", "svg": "image/svg+xml"}
HEADERS = {
    # The badge outlives a pause of ours: caches may show what they have, for a week if need be.
    "Cache-Control": "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}


@views.get("/badge/v1/<slug>.<any(json,svg):kind>")
@doors.open_to("everybody")
def badge(slug: str, kind: str) -> Response:
    if not re.fullmatch(r"[a-z0-9-]{1,80}", slug):
        raise NotFound
    form = f"badge/v1/{{shop}}.{kind}"
    try:
        body = (files.folder() / form.format(shop=slug)).read_bytes()
    except FileNotFoundError:
        body = _rendered(slug, form)
    return _served(body, TYPES[kind])


@views.get("/embed/v1.js")
@doors.open_to("everybody")
def script() -> Response:
    return _served(_script("v1"), "text/javascript")


@views.get("/embed/card.js")
@doors.open_to("everybody")
def card_script() -> Response:
    return _served(_script("card"), "text/javascript")


@views.get(signing.ADDRESS)
@doors.open_to("everybody")
def public_keys() -> Response:
    try:
        body = (files.folder() / signing.ADDRESS.removeprefix("/")).read_bytes()
    except FileNotFoundError:
        body = signing.public(clock.now())
    response = _served(body, TYPES["json"])
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


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


def _rendered(slug: str, form: str) -> bytes:
    """Render what has no file yet, and write none: asking changes nothing."""
    with db.reading() as session:
        shop = find.by_slug(session, slug)
        faces = face.read(session, [shop], clock.now())
    return refresh.FORMS[form](faces[shop.id])


def _served(body: bytes, kind: str) -> Response:
    response = Response(body, mimetype=kind, headers=HEADERS)
    response.set_etag(_etag(body))
    response.make_conditional(request)
    return response


def _etag(body: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(body)
    return base64.urlsafe_b64encode(digest.finalize()[:12]).decode()


@cache
def _script(name: str) -> bytes:
    return (Path(__file__).parent / "static" / f"{name}.js").read_bytes()
