"""Read addresses that a hostile page names: whose badge, which service. Pure.

urlsplit normalises a host (NFKC), so length and marks are bounded before it.
"""

import re
from urllib.parse import urljoin, urlsplit

from trustsvc import input_limits

MAX_LENGTH = 2048  # no address of ours is as long
MAX_HOST = 253  # RFC 1035 2.3.4
IMAGE = re.compile(r"/badge/v1/([a-z0-9-]{1,80})(?:[./].*)?")
LINK = re.compile(r"/s/([a-z0-9-]{1,80})")


def bounded(address: str) -> str:
    """Give an address to read, or "" for one that is too long."""
    return input_limits.stream_safe(address) if len(address) <= MAX_LENGTH else ""


def shop_of(address: str) -> str:
    """The shop whose badge is at an address; empty if it is no badge."""
    shop = IMAGE.fullmatch(path_of(address))
    return shop[1] if shop else ""


def linked_shop(address: str) -> str:
    """The shop whose public page is at an address; empty if it is none."""
    shop = LINK.fullmatch(path_of(address))
    return shop[1] if shop else ""


def origin_of(address: str) -> str:
    """Scheme, host and port, normalised (RFC 6454); empty without them."""
    try:
        parts = urlsplit(bounded(address))
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    plain = re.fullmatch(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}", host)
    if parts.scheme not in {"http", "https"} or not plain:
        return ""
    netloc = f"[{host}]" if ":" in host else host
    usual = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{netloc}" + (f":{port}" if port not in {None, usual} else "")


def path_of(address: str) -> str:
    """The path of an address; empty if it cannot be read."""
    try:
        return urlsplit(bounded(address)).path
    except ValueError:
        return ""


def joined(base: str, where: str) -> str:
    """Resolve an address against that of its page; empty if it cannot be read."""
    try:
        return urljoin(bounded(base), bounded(where))
    except ValueError:
        return ""
