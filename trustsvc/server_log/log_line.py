"""One line of the server log.

    2026-11-21T10:00:00.123Z 203.0.113.7 GET /r/… 200 5123 https://shop.example

Seven fields with one space between: moment (UTC), address, method, path (tokens masked, no query
string), status, bytes of the body sent, requester (the Referer's origin). No
field can hold a space, a quote or a line break, whatever came in; "-" means unknown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from trustsvc.config_values import Network
from trustsvc.server_log import client_address, path_mask

_HOST = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]")
_METHOD = re.compile(r"[A-Z-]{1,16}")


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """An answered request, unescaped: made safe only when written."""

    at: datetime
    peer: str
    forwarded_for: str
    method: str
    path: str
    status: str
    sent: int
    referer: str
    # For the security database only; not in the line.
    access: str = ""
    attack_kind: str = ""


def format_line(request: AnsweredRequest, trusted: Sequence[Network]) -> str:
    """Write the line, without its line break."""
    return " ".join(safe_fields(request, trusted))


def safe_fields(request: AnsweredRequest, trusted: Sequence[Network]) -> Sequence[str]:
    """Make each field safe; the second is the address."""
    return (
        request.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{request.at.microsecond // 1000:03d}Z",
        client_address.client_address(request.peer, request.forwarded_for, trusted),
        request.method if _METHOD.fullmatch(request.method) else "-",
        path_mask.mask_path(request.path),
        request.status[:3] if request.status[:3].isdecimal() else "-",
        str(request.sent),
        referer_origin(request.referer),
    )


def referer_origin(referer: str) -> str:
    """Cut a Referer down to scheme, host and port: its path and query may hold personal data."""
    try:
        parts = urlsplit(referer)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "-"
    host = f"[{host}]" if ":" in host else host
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return "-"
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")
