"""Public routes of the badge. None sets a cookie or changes a state."""

import re

from flask import Blueprint, Response

from trustsvc import clock
from trustsvc.badge import refresh, serve
from trustsvc.badge.statement import signing
from trustsvc.errors import NotFound
from trustsvc.http import access
from trustsvc.storage import db

badge_files = Blueprint("badge", __name__)

SLUG = re.compile("[a-z0-9-]{1,80}")


@badge_files.get("/badge/v1/<slug>.<any(json,svg,html,png):kind>")
@access.requires("public")
def badge(slug: str, kind: str) -> Response:
    """Serve a shop's badge in one form; each has an ETag and may be cached."""
    return _form(slug, f"badge/v1/{{shop}}.{kind}")


@badge_files.get("/badge/v1/<slug>/<any('shields.json','reviews.json','feed.atom'):form>")
@access.requires("public")
def badge_form(slug: str, form: str) -> Response:
    """Serve a shop's score for shields.io, its newest reviews, or its feed."""
    return _form(slug, f"badge/v1/{{shop}}/{form}")


@badge_files.route("/embed/<path:script>")
@access.requires("public")
def embed(script: str) -> Response:  # noqa: ARG001 - of the route
    """Answer for scripts that do not exist: serve.PublicFiles serves all that do."""
    raise NotFound


@badge_files.get(signing.KEYS_PATH)
@access.requires("public")
def public_keys() -> Response:
    """List the public keys that badge statements are verified with (a JWK Set)."""
    return serve.respond(serve.encode(signing.public_key_set(clock.now()), serve.KEYS_NAME))


def _form(slug: str, form: str) -> Response:
    """Render a form that has no file yet, without writing it."""
    if not SLUG.fullmatch(slug):
        raise NotFound
    with db.reading() as session:
        plain = refresh.render_form(session, slug, form, clock.now())
    return serve.respond(serve.encode(plain, form.format(shop=slug)))
