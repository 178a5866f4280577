"""Public routes of the badge. None sets a cookie or changes a state."""

import re

from flask import Blueprint, Response

from trustsvc import clock
from trustsvc.badge import refresh, scripts, serve
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


@badge_files.get("/embed/<any('v1.js','v1-list.js','card.js'):script>")
@access.requires("public")
def newest_script(script: str) -> Response:
    """Serve the newest version of a script that shops embed."""
    return serve.serve_script(scripts.all_scripts()[f"embed/{script}"], script)


@badge_files.get("/embed/<release>/<any('badge.js','list.js'):file>")
@access.requires("public")
def released_script(release: str, file: str) -> Response:
    """Serve a release, which never changes: shops pin it by its hash."""
    body = scripts.all_scripts().get(f"embed/{release}/{file}")
    if body is None:
        raise NotFound
    return serve.serve_script(body, file, serve.CACHE_FOREVER)


@badge_files.get(signing.KEYS_PATH)
@access.requires("public")
def public_keys() -> Response:
    """List the public keys that badge statements are verified with (a JWK Set)."""
    name = signing.KEYS_PATH.removeprefix("/")
    stored = serve.serve_file(name, serve.CACHE_KEYS)
    return stored or serve.serve_bytes(signing.public_key_set(clock.now()), name, serve.CACHE_KEYS)


def _form(slug: str, form: str) -> Response:
    """Serve a form's file; render one that has no file yet, without writing it."""
    if not SLUG.fullmatch(slug):
        raise NotFound
    name = form.format(shop=slug)
    if (stored := serve.serve_file(name, serve.cache_control(name))) is not None:
        return stored
    with db.reading() as session:
        plain = refresh.render_form(session, slug, form, clock.now())
    return serve.serve_bytes(plain, name, serve.cache_control(name))
