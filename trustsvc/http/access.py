"""Marks a door with who may pass; app.py has one gate for all, so no room needs to import staff.

A view without a mark keeps the app from starting.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

Passes = Literal["everybody", "signature", "link", "staff", "entering"]
View = TypeVar("View", bound=Callable[..., Any])

_MARK = "trustsvc_passes"


def open_to(passes: Passes) -> Callable[[View], View]:
    """Say who may pass.

    everybody: public, nothing personal · signature: the view checks a platform's signature itself ·
    link: the path holds a signed token (never cached, never indexed, no referrer) · staff: signed
    in · entering: the desk's own sign-in pages.
    """

    def mark(view: View) -> View:
        setattr(view, _MARK, passes)
        return view

    return mark


def passes(view: Callable[..., Any]) -> Passes | None:
    """Say who may pass a view, or None when it has no mark."""
    found: Passes | None = getattr(view, _MARK, None)
    return found
