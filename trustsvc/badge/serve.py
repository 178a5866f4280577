"""Serve public files as nginx does (deploy/nginx/trustsvc.conf): the same bytes and headers.

What has a file is answered before Flask sees the request: a shop's page asks for its badge at each
view, and a badge is some hundred bytes.
"""

import base64
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cryptography.hazmat.primitives import hashes
from flask import Response, request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_accept_header

from trustsvc.badge import public_files, scripts
from trustsvc.badge.statement import signing
from trustsvc.http import request_limits, security_headers

# The badge outlives an outage: caches may serve a stale one for up to a week.
CACHE_BADGE = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"
# Personal data does not: a minute until the file is written, two in a shared cache and two in a
# browser make the five after which nothing withdrawn is shown, not even during an outage.
CACHE_PERSONAL = "public, max-age=120, must-revalidate"
CACHE_SCRIPT = "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=604800"
CACHE_KEYS = "public, max-age=3600"  # a withdrawn key is not shown for longer
CACHE_FOREVER = "public, max-age=31536000, immutable"
TYPES = {
    "atom": "application/atom+xml; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml; charset=utf-8",
}
DOCUMENTS = {"atom", "html", "svg"}  # a browser may open them as pages
PERSONAL_FORMS = ("/reviews.json", "/feed.atom")
UNCOMPRESSED = {"png"}
MAX_KEPT = 1024
KEYS_NAME = signing.KEYS_PATH.removeprefix("/")

_OF_BADGE = re.compile(
    r"badge/v1/[a-z0-9-]{1,80}(?:\.(?:json|svg|html|png)|/(?:shields\.json|reviews\.json|feed\.atom))"
)
_FOR_EVER = re.compile(r"embed/[0-9]")

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PublicFile:
    """The bytes of a file in one encoding, with their headers for 200 and for 304."""

    body: bytes = field(repr=False)
    etag: str
    headers: Pairs
    unchanged: Pairs


def encode(plain: bytes, name: str) -> PublicFile:
    """Give bytes as the file of that name would be served to the current request."""
    codings = () if _kind(name) in UNCOMPRESSED else _codings(_accepted(request.environ))
    coding = codings[0] if codings else ""
    return _public_file(public_files.compress(plain, coding), name, coding)


def respond(file: PublicFile) -> Response:
    """Answer the current request with a file: whole, or that it is unchanged."""
    status, headers, body = _answer(file, request.environ)
    return PublicResponse(body, status, headers=Headers(headers))


class PublicResponse(Response):
    """Has its headers: a badge is smaller than the headers of a page."""

    default_mimetype = None


class PublicFiles:
    """WSGI middleware that answers GET and HEAD of public files; the rest goes on to the app."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        self.folder = public_files.folder()
        self._kept: dict[str, tuple[object, PublicFile]] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in {"GET", "HEAD"} and request_limits.TOO_LONG not in environ:
            name = environ.get("PATH_INFO", "")[1:]
            file = self._find(name, _codings(_accepted(environ)))
            if file:
                environ["trustsvc.access"] = "public"
                status, headers, body = _answer(file, environ)
                start_response(status, headers)
                return [body] if environ["REQUEST_METHOD"] == "GET" else []
        return self.app(environ, start_response)

    def _find(self, name: str, codings: tuple[str, ...]) -> PublicFile | None:
        if name.startswith("embed/"):
            script = scripts.all_scripts().get(name)
            return _script(script, name, codings[0] if codings else "") if script else None
        if not _OF_BADGE.fullmatch(name) and name != KEYS_NAME:
            return None
        for coding in (*codings, ""):
            try:
                return self._read(name, coding)
            except OSError:
                continue
        return None

    def _read(self, name: str, coding: str) -> PublicFile:
        path = f"{self.folder}/{name}{_ENDS[coding]}"
        if name.endswith(PERSONAL_FORMS):  # what is withdrawn stays in no memory
            return _public_file(Path(path).read_bytes(), name, coding)
        status = os.stat(path)  # noqa: PTH116 - a third of the time that Path takes
        version = (status.st_mtime_ns, status.st_ino, status.st_size)
        known = self._kept.get(path)
        if known and known[0] == version:
            return known[1]
        file = _public_file(Path(path).read_bytes(), name, coding)
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[path] = version, file
        return file


_ENDS = {coding: end for end, coding in public_files.ENCODINGS.items()} | {"": ""}


def _answer(file: PublicFile, environ: WSGIEnvironment) -> tuple[str, Pairs, bytes]:
    asked = environ.get("HTTP_IF_NONE_MATCH")
    if asked and _is_known(asked, file.etag):
        return "304 NOT MODIFIED", file.unchanged, b""
    return "200 OK", file.headers, file.body


def _is_known(asked: str, etag: str) -> bool:
    """Compare weakly, as RFC 9110 section 13.1.2 asks for."""
    tags = (tag.strip().removeprefix("W/") for tag in asked.split(","))
    return any(tag in {etag, "*"} for tag in tags)


def _accepted(environ: WSGIEnvironment) -> str:
    accepted: str = environ.get("HTTP_ACCEPT_ENCODING", "")
    return accepted


@lru_cache(maxsize=256)
def _codings(accepted: str) -> tuple[str, ...]:
    """Give our encodings that are named and not refused with q=0 (RFC 9110 section 12.5.3).

    Preferences are ignored, as by nginx: the smallest encoding is best for both sides.
    """
    named = {name.lower() for name, quality in parse_accept_header(accepted) if quality > 0}
    return tuple(coding for coding in public_files.ENCODINGS.values() if coding in named)


@lru_cache(maxsize=64)
def _script(plain: bytes, name: str, coding: str) -> PublicFile:
    return _public_file(public_files.compress(plain, coding), name, coding)


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def _public_file(sent: bytes, name: str, coding: str) -> PublicFile:
    kind = _kind(name)
    etag = f'"{_digest(sent)}"'  # of the bytes sent: a different one for each encoding
    unchanged = [
        ("ETag", etag),
        ("Cache-Control", _cache_control(name)),
        ("Vary", "Accept-Encoding"),
        ("Access-Control-Allow-Origin", "*"),
    ]
    headers = [
        ("Content-Type", TYPES[kind]),
        ("Content-Length", str(len(sent))),
        *unchanged,
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if coding:
        headers.append(("Content-Encoding", coding))
    if kind in DOCUMENTS:
        headers.append(("Content-Security-Policy", security_headers.CSP))
    return PublicFile(sent, etag, headers, unchanged)


def _cache_control(name: str) -> str:
    if name == KEYS_NAME:
        return CACHE_KEYS
    if name.startswith("embed/"):
        return CACHE_FOREVER if _FOR_EVER.match(name) else CACHE_SCRIPT
    return CACHE_PERSONAL if name.endswith(PERSONAL_FORMS) else CACHE_BADGE


def _digest(sent: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(sent)
    return base64.urlsafe_b64encode(digest.finalize()[:12]).decode()
