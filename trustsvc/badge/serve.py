"""Serve a public file as nginx does (deploy/nginx/trustsvc.conf): the same bytes and headers."""

import base64
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from flask import Response, request

from trustsvc.badge import public_files

# The badge outlives an outage: caches may serve a stale one for up to a week.
CACHE_BADGE = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"
# Personal data does not: a minute until the file is written, two in a shared cache and two in a
# browser make the five after which nothing withdrawn is shown, not even during an outage.
CACHE_PERSONAL = "public, max-age=120, must-revalidate"
CACHE_SCRIPT = "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=604800"
CACHE_KEYS = "public, max-age=3600"  # a withdrawn key is not shown for longer
CACHE_FOREVER = "public, max-age=31536000, immutable"
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
TYPES = {
    "atom": "application/atom+xml",
    "html": "text/html",
    "js": "text/javascript",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
}
PERSONAL_FORMS = ("/reviews.json", "/feed.atom")
UNCOMPRESSED = {"png"}


def cache_control(name: str) -> str:
    """Cache-Control of a form of a badge."""
    return CACHE_PERSONAL if name.endswith(PERSONAL_FORMS) else CACHE_BADGE


def serve_file(name: str, cached: str = CACHE_BADGE) -> Response | None:
    """Serve a public file; None if there is none that can be read."""
    path = public_files.folder() / name
    for end, coding in public_files.ENCODINGS.items():
        if coding in _accepted():
            try:
                return _answer(path.with_name(path.name + end).read_bytes(), name, coding, cached)
            except OSError:
                continue
    try:
        return _answer(path.read_bytes(), name, "", cached)
    except OSError:
        return None


def serve_bytes(plain: bytes, name: str, cached: str = CACHE_BADGE) -> Response:
    """Serve bytes as a file of that name would be served."""
    coding = _coding(name)
    return _answer(public_files.compress(plain, coding), name, coding, cached)


def serve_script(plain: bytes, name: str, cached: str = CACHE_SCRIPT) -> Response:
    """Serve a script of the application, compressed once a process."""
    coding = _coding(name)
    return _answer(_compressed(plain, coding), name, coding, cached)


def _coding(name: str) -> str:
    if name.rpartition(".")[2] in UNCOMPRESSED:
        return ""
    return next((coding for coding in public_files.ENCODINGS.values() if coding in _accepted()), "")


def _accepted() -> set[str]:
    """Encodings named and not refused with q=0 (RFC 9110 section 12.5.3).

    Preferences are ignored, as by nginx: the smallest encoding is best for both sides.
    """
    return {name.lower() for name, quality in request.accept_encodings if quality > 0}


def _answer(sent: bytes, name: str, coding: str, cached: str) -> Response:
    kind = TYPES[name.rpartition(".")[2]]
    response = Response(sent, mimetype=kind, headers=HEADERS | {"Cache-Control": cached})
    if coding:
        response.headers["Content-Encoding"] = coding
    response.set_etag(_etag(sent))  # of the bytes sent: a different one for each encoding
    response.make_conditional(request)
    return response


def _etag(sent: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(sent)
    return base64.urlsafe_b64encode(digest.finalize()[:12]).decode()


@lru_cache(maxsize=64)
def _compressed(plain: bytes, coding: str) -> bytes:
    return public_files.compress(plain, coding)
