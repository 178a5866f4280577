"""Refuse forms that another site made a browser send (Origin, Sec-Fetch-Site).

A visitor of another site must not object, register or ask for anything without knowing. A program
that sends neither header is nobody's visitor, and goes by the rate limits as everybody does.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from trustsvc.config_values import is_loopback
from trustsvc.errors import ForeignForm
from trustsvc.http.access import Requirement

READS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})  # none: typed in, or sent once more by hand
_View = TypeVar("_View", bound=Callable[..., Any])
Form = Mapping[str, str]

_ATTRIBUTE = "trustsvc_other_sites"


def accepts_other_sites(when: Callable[[Form], bool]) -> Callable[[_View], _View]:
    """Declare that other sites may post to a view, where the form says so.

    For what changes nothing, and for the one-click of mail programs (RFC 8058).
    """

    def declare(view: _View) -> _View:
        setattr(view, _ATTRIBUTE, when)
        return view

    return declare


def check(
    requirement: Requirement,
    view: Callable[..., Any] | None,
    headers: Mapping[str, str],
    form: Callable[[], Form],
    base_url: str,
) -> None:
    """Raise ForeignForm for a request that writes and that another site sent.

    Signed webhooks are no forms. The form is read only where a view lets other sites post.
    """
    if requirement == "signature":
        return
    if is_own(headers, base_url, may_be_opaque=requirement != "public"):
        return
    allowed: Callable[[Form], bool] | None = getattr(view, _ATTRIBUTE, None)
    if allowed is None or not allowed(form()):
        raise ForeignForm


def is_own(headers: Mapping[str, str], base_url: str, *, may_be_opaque: bool = False) -> bool:
    """Say whether a page of ours sent this form, as far as its browser tells.

    `may_be_opaque`: pages behind a link or a session send no referrer, so a browser without
    Sec-Fetch-Site writes `Origin: null`; what the link or the form holds proves them.
    """
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None and site.strip().lower() not in OWN_SITES:
        return False
    if origin is None:
        return True
    if origin.strip().lower() == "null":
        return site is not None or may_be_opaque
    return _is_origin_of(origin.strip(), base_url)


def _is_origin_of(origin: str, base_url: str) -> bool:
    """Compare scheme, host and port; on loopback each name of this machine is its own."""
    try:
        given, own = urlsplit(origin), urlsplit(base_url)
        if (given.scheme, given.hostname, _port(given)) == (own.scheme, own.hostname, _port(own)):
            return True
    except ValueError:
        return False
    is_local = given.scheme == "http" and given.hostname and is_loopback(given.hostname)
    return bool(is_local) and is_loopback(own.hostname or "")


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme)
