"""Declare who may pass a view; app.py checks it for all, so no package needs to import staff.

The app does not start with a view that declares nothing.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from trustsvc.errors import Unavailable
from trustsvc.storage import key_guard

Requirement = Literal["public", "signature", "link", "staff", "sign_in"]
_View = TypeVar("_View", bound=Callable[..., Any])

# Blueprints that answer without any key: files, badges, and whether this process lives.
WITHOUT_KEYS = {None, "health", "badge"}
_ATTRIBUTE = "trustsvc_passes"


def requires(passes: Requirement) -> Callable[[_View], _View]:
    """Declare who may pass a view.

    public: nothing personal · signature: the view checks a platform's signature itself ·
    link: the path holds a signed token (never cached, never indexed, no referrer) · staff: signed
    in · sign_in: the desk's own sign-in pages.
    """

    def declare(view: _View) -> _View:
        setattr(view, _ATTRIBUTE, passes)
        return view

    return declare


def requirement(view: Callable[..., Any]) -> Requirement | None:
    """Give who may pass a view, or None when it declares nothing."""
    stated: Requirement | None = getattr(view, _ATTRIBUTE, None)
    return stated


def require_keys(blueprint: str | None) -> None:
    """Raise Unavailable while a key of the database is missing on this host."""
    if blueprint not in WITHOUT_KEYS and key_guard.problem():
        raise Unavailable("Please try again in a minute.")
