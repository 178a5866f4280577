"""Bound a request before anything reads it: address, headers, and the fields of a form.

Length and marks of a text are bounded by input_limits.py; here is where requests go through it.
"""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import IO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import FormDataParser

from trustsvc import input_limits
from trustsvc.errors import AddressTooLong, TooLarge

MAX_FORM_BYTES = 256 * 1024
MAX_FIELDS = 100
MAX_ADDRESS = 8 * 1024
MAX_HEADER = 2 * 1024
MAX_COOKIE = 8 * 1024  # with the cookies of everything else at this domain
TOO_LONG = "trustsvc.address_too_long"
_FORM = "application/x-www-form-urlencoded"


class RequestLimits:
    """WSGI middleware around everything: a header that is too long counts as not sent.

    None of those that are read here is long, and a visitor is not sent away because of the address
    of the page before. What remains of an address that is too long is refused by `check`.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        if len(path) + len(query) > MAX_ADDRESS:
            environ |= {TOO_LONG: True, "PATH_INFO": path[:MAX_HEADER], "QUERY_STRING": ""}
            for raw in ("RAW_URI", "REQUEST_URI"):
                environ.pop(raw, None)
        for name in [name for name in environ if _is_long_header(name, environ[name])]:
            del environ[name]
        return self.app(environ, start_response)


def check(environ: Mapping[str, object]) -> None:
    """Raise AddressTooLong for a request whose address the middleware cut."""
    if TOO_LONG in environ:
        raise AddressTooLong


def _is_long_header(name: str, value: object) -> bool:
    if not (name.startswith("HTTP_") or name == "CONTENT_TYPE") or not isinstance(value, str):
        return False
    return len(value) > (MAX_COOKIE if name == "HTTP_COOKIE" else MAX_HEADER)


class _BoundedForm(FormDataParser):
    """Reads forms of few fields, each within input_limits; raises TooLarge for others."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        if mimetype == _FORM:  # werkzeug counts the fields of the other kind of form only
            body = stream.read()
            if body.count(b"&") >= MAX_FIELDS:
                raise TooLarge(f"The form has more than {MAX_FIELDS} fields.")
            stream = BytesIO(body)
        rest, form, files = super().parse(stream, mimetype, content_length, options)
        fields = [(name, _value(value)) for name, value in form.items(multi=True)]
        return rest, self.cls(fields), files


def _value(text: str) -> str:
    if len(text) > input_limits.MAX_LENGTH:
        raise TooLarge(
            f"A field of the form has more than {input_limits.MAX_LENGTH} characters: shorten it."
        )
    return input_limits.stream_safe(text)


class BoundedRequest(Request):
    """A request whose form is bounded when it is read."""

    form_data_parser_class = _BoundedForm
