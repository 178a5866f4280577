"""Mask a request's path for 90 days of storage: no tokens, one safe spelling."""

import re
from urllib.parse import quote, unquote

MASK = "…"
MAX_LENGTH = 200

# Number of plain segments between this one and the secret one.
_BEFORE_SECRET = {
    "r": 0,
    "u": 0,
    "me": 0,
    "enter": 0,
    "confirm": 0,
    "leave": 0,
    "webhooks": 1,
    "mail-events": 1,
}
_PUBLIC = {"s", "badge", "privacy"}  # a shop may be called "me"
_PLAIN_SEGMENT = re.compile(r"[a-z]{1,16}")
_LOOKS_SIGNED = re.compile(r"[\w-]{16,}\.[\w-]{16,}")


def mask_path(path: str) -> str:
    """Mask tokens; the result is printable ASCII without spaces and quotes.

    Only `MASK` is beyond ASCII; one in the request is percent-encoded. Rather masks too much:
    double slashes, backslashes, capitals and double percent-encoding do not get a token past it.
    """
    segments = _spelled_out(path[: 4 * MAX_LENGTH])
    masked = _without_secrets(segments)
    text = "/" + "/".join(MASK if part == MASK else _quoted(part) for part in masked)
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + MASK


def _spelled_out(path: str) -> list[str]:
    text = path.encode("latin-1", "replace").decode("utf-8", "replace")  # PEP 3333
    for _ in range(3):
        text = unquote(text, errors="replace")
    parts = text.replace("\\", "/").split("/")
    inner = [part for part in parts[:-1] if part not in {"", "."}]
    return [part.replace(MASK, "%E2%80%A6") for part in [*inner, parts[-1]]]


def _without_secrets(segments: list[str]) -> list[str]:
    public = segments[0].lower() in _PUBLIC
    masked: list[str] = []
    left: int | None = None  # plain segments before the secret one; None: no secret follows
    for number, part in enumerate(segments):
        plain_part = part.strip().lower()
        if left is not None and number and part:
            plain = left > 0 and _PLAIN_SEGMENT.fullmatch(plain_part)
            masked.append(part if plain else MASK)
            left -= 1
            if left < 0:
                return [
                    *masked,
                    *(x for x in segments[number + 1 :] if _PLAIN_SEGMENT.fullmatch(x)),
                ]
            continue
        masked.append(MASK if _LOOKS_SIGNED.search(part) else part)
        if not public and plain_part in _BEFORE_SECRET:
            left = _BEFORE_SECRET[plain_part]
    return masked


def _quoted(part: str) -> str:
    return quote(part, safe="-._~!$&()*+,;=:@%", errors="replace")
