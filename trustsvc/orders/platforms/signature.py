"""How a webhook signature is computed and compared, over raw bytes, in constant time.

Pure, for the platform parsers: which shop, and which of its secrets, is decided in
shops/webhook_auth.py. Nothing here raises.

An empty or short secret never matches (CVE-2026-4664 was an empty one that did). A header that
comes twice is joined by the web server and so matches nothing.
"""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.hmac import HMAC

MIN_SECRET_LENGTH = 16


def header(headers: Mapping[str, str], *names: str) -> str:
    """Give the first of these headers that is there; the names are in lower case."""
    by_name = {name.lower(): value for name, value in headers.items()}
    return next((by_name[name].strip() for name in names if name in by_name), "")


def is_long_enough(secret: str) -> bool:
    return len(secret.strip()) >= MIN_SECRET_LENGTH


def hmac_base64(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104, RFC 4231) as base64."""
    mac = HMAC(key, hashes.SHA256())
    mac.update(content)
    return base64.b64encode(mac.finalize())


def is_hmac_of(body: bytes, secret: str, given: str) -> bool:
    """Whether a header is base64 of HMAC-SHA256 over the raw body, by this secret."""
    key = secret.encode("utf-8", "backslashreplace")
    return is_long_enough(secret) and matches(hmac_base64(key, body), given)


def md5_hex(content: bytes) -> bytes:
    digest = hashes.Hash(hashes.MD5())  # noqa: S303 - the platform's choice; see lightspeed.py
    digest.update(content)
    return digest.finalize().hex().encode()


def matches(expected: bytes, given: str) -> bool:
    """Compare in constant time; any text may be given, lone surrogates too."""
    return constant_time.bytes_eq(expected, given.encode("utf-8", "backslashreplace"))
