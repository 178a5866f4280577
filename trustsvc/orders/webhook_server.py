"""Answer order webhooks before Flask sees the request: its context and routing cost more than they.

Only what is accepted is answered here. A request of another shape goes on to the view, and so does
one that failed, with its error: all errors are answered in one place.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import IO
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.datastructures import Headers

from trustsvc import clock, config
from trustsvc.http import request_limits, security_headers
from trustsvc.http.request_body import MAX_BODY_BYTES
from trustsvc.orders.webhook import WebhookAnswer, WebhookRequest, receive
from trustsvc.orders.webhook_health import counters
from trustsvc.storage import key_guard

_PATH = re.compile(r"/webhooks/([a-z]{1,40})/([A-Za-z0-9_-]{1,100})", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,6}", re.ASCII)
_HOST = re.compile(
    r"(?:[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.?|\[[0-9A-Fa-f:.]+\])?(?::[0-9]{0,5})?",
    re.ASCII,
)
_FAILURE = "trustsvc.webhook_failure"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a webhook was not accepted, and whose it is, as far as that is known."""

    error: Exception
    shop_id: int


class WebhookServer:
    """WSGI middleware that answers accepted order webhooks; the rest goes on to the app."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        length = environ.get("CONTENT_LENGTH") or ""
        is_usual = path and _LENGTH.fullmatch(length) and _is_usual(environ, int(length))
        if path is None or not is_usual or key_guard.problem():  # the app says what is wrong
            return self.app(environ, start_response)
        try:
            body = _read(environ["wsgi.input"], int(length))
        except (OSError, ValueError):
            return self.app(environ, start_response)  # which reads, and fails, again
        environ["wsgi.input"] = BytesIO(body)
        if len(body) != int(length):
            return self.app(environ, start_response)
        webhook = WebhookRequest(path[1], path[2], _headers(environ), body)
        try:
            answer = receive(webhook, clock.now())
        except Exception as error:  # noqa: BLE001 - the app answers it
            environ[_FAILURE] = Failure(error, webhook.shop_id)
            return self.app(environ, start_response)
        environ["trustsvc.access"] = "signature"
        counters.count(clock.now(), webhook.shop_id, answer.counted_as)
        status, content, headers = _response(answer, config.current().base_url)
        start_response(status, list(headers))
        return [content]


def _is_usual(environ: WSGIEnvironment, length: int) -> bool:
    """Say whether Flask would route the request; it refuses some before it does."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and length <= MAX_BODY_BYTES
        and request_limits.TOO_LONG not in environ
        and not environ.get("HTTP_TRANSFER_ENCODING")
        and not environ.get("HTTP_UPGRADE")
        and environ.get("wsgi.url_scheme") in {"http", "https"}
        and _HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
    )


def failure(environ: WSGIEnvironment) -> Failure | None:
    """Take why a webhook was not accepted here; None for one that was not tried.

    Taken, because what stays there keeps the body until Python collects cycles.
    """
    found: Failure | None = environ.pop(_FAILURE, None)
    return found


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return headers


@lru_cache(maxsize=256)
def _response(
    answer: WebhookAnswer, base_url: str
) -> tuple[str, bytes, tuple[tuple[str, str], ...]]:
    """Build an answer as the view would; there are few different ones."""
    content = json.dumps(answer.as_json(), sort_keys=True, separators=(",", ":")).encode() + b"\n"
    headers = Headers([("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    is_https = urlsplit(base_url).scheme == "https"
    security_headers.set_on(headers, is_public=False, is_https=is_https)
    return f"{answer.code.value} {answer.code.phrase.upper()}", content, tuple(headers)


def _read(stream: IO[bytes], length: int) -> bytes:
    pieces: list[bytes] = []
    while length and (piece := stream.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
