"""Marks a door with who may pass; app.py has one gate for all, so no room needs to import staff.

A view without a mark keeps the app from starting.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

Requirement = Literal["public", "signature", "link", "staff", "sign_in"]
View = TypeVar("View", bound=Callable[..., Any])

_MARK = "trustsvc_passes"


def requires(passes: Requirement) -> Callable[[View], View]:
    """Say who may pass.

    public: nothing personal · signature: the view checks a platform's signature itself ·
    link: the path holds a signed token (never cached, never indexed, no referrer) · staff: signed
    in · sign_in: the desk's own sign-in pages.
    """

    def mark(view: View) -> View:
        setattr(view, _MARK, passes)
        return view

    return mark


def requirement(view: Callable[..., Any]) -> Requirement | None:
    """Say who may pass a view, or None when it has no mark."""
    found: Requirement | None = getattr(view, _MARK, None)
    return found
