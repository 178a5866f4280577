"""The badge's doors. Nothing here sets a cookie or changes a state."""

import base64
import re
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from flask import Blueprint, Response, request

from trustsvc import clock, db, doors
from trustsvc.badge import face, files, refresh
from trustsvc.errors import NotFound
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
