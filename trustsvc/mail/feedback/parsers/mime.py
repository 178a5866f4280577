"""Take a message apart, whatever it is: within bounds, never raising.

email.parser nests as deep as a message says. It compares each line with every boundary above it, so
a megabyte can keep it busy for minutes. Reports need little of it.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_BYTES = 1024 * 1024
MOST_HEAD = 64 * 1024
MOST_PARTS = 40  # and so no more than as many in one another

_END_OF_HEAD = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_FIELD = re.compile(r"([!-9;-~]{1,80})[ \t]*:[ \t]*(.*)", re.DOTALL)
_FOLD = re.compile(r"\r?\n[ \t]+")
_PARAMETER = re.compile(r';\s*([\w-]{1,40})\*?\s*=\s*(?:"([^"]{0,300})"|([^\s;]{1,300}))')


@dataclass(frozen=True, slots=True)
class Part:
    """A part with its head: `fields` in their order, names in lower case; `body` is decoded."""

    fields: tuple[tuple[str, str], ...]
    kind: str
    body: bytes
    parts: tuple["Part", ...]

    def all(self, *names: str) -> list[str]:
        """Give every value of these fields, in the order of the names."""
        return [value for name in names for key, value in self.fields if key == name]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def walk(self) -> Iterator["Part"]:
        yield self
        for part in self.parts:
            yield from part.walk()


class _Budget:
    left = MOST_PARTS


def read(data: bytes) -> Part:
    """Read a message; what is beyond the bounds is left out."""
    return _part(data[:MOST_BYTES].lstrip(b"\r\n"), _Budget())


def fields(text: str) -> tuple[tuple[str, str], ...]:
    """Read header-like fields, unfolded; lines that are none are left out."""
    lines = _FOLD.sub(" ", text[:MOST_HEAD]).splitlines()
    matches = (_FIELD.fullmatch(line) for line in lines)
    return tuple((match[1].lower(), match[2].strip()) for match in matches if match)


def words(data: bytes) -> str:
    """Read bytes as text: UTF-8 where they are, else one sign a byte; no NUL."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\0", "")


def _part(data: bytes, budget: _Budget) -> Part:
    end = _END_OF_HEAD.search(data, 0, MOST_HEAD)
    head, body = (data[: end.start()], data[end.end() :]) if end else (data, b"")
    known = fields(words(head))
    value = next((value for name, value in known if name == "content-type"), "")
    kind = value.partition(";")[0].strip().lower() or "text/plain"
    coding = next((v for name, v in known if name == "content-transfer-encoding"), "")
    if kind.startswith("multipart/"):
        inner = _split(body, _boundary(value))
    else:
        body = _decoded(body, coding)
        inner = [body] if kind in {"message/rfc822", "message/global"} else []
    parts = []
    for one in inner:
        if budget.left <= 0:
            break
        budget.left -= 1
        parts.append(_part(one, budget))
    return Part(known, kind, body, tuple(parts))


def _boundary(value: str) -> str:
    parameters = {
        match[1].lower(): match[2] or match[3] or "" for match in _PARAMETER.finditer(value)
    }
    return parameters.get("boundary", "")


def _split(body: bytes, boundary: str) -> list[bytes]:
    mark = b"--" + boundary.encode("utf-8", "replace")
    if not boundary:
        return []
    pieces = (b"\n" + body).split(b"\n" + mark, MOST_PARTS + 1)[1:]
    inner = []
    for piece in pieces:
        rest, _, text = piece.partition(b"\n")
        if rest.startswith(b"--"):
            break
        inner.append(text.rstrip(b"\r"))
    return inner


def _decoded(body: bytes, coding: str) -> bytes:
    try:
        if coding.lower() == "base64":
            digits = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            return base64.b64decode(digits + b"=" * (-len(digits) % 4))
        if coding.lower() == "quoted-printable":
            return quopri.decodestring(body)
    except (binascii.Error, ValueError):
        pass
    return body
