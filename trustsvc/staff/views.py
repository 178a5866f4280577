"""Routes to sign in by a one-time link and to sign out."""

from flask import Blueprint, g, redirect, render_template, request
from werkzeug.wrappers import Response

from trustsvc import clock, i18n
from trustsvc.errors import Gone
from trustsvc.http import access
from trustsvc.staff import sessions, sign_in
from trustsvc.storage import db

staff_pages = Blueprint("staff", __name__)


@staff_pages.get("/desk/enter")
@access.requires("sign_in")
def how() -> str:
    """Explain how to sign in."""
    return render_template("staff/how.html", language=_language())


@staff_pages.get("/desk/enter/<token>")
@access.requires("sign_in")
def ask(token: str) -> tuple[str, int]:
    """Show one button and change nothing: mail scanners open links, people press buttons."""
    with db.reading() as session:
        opens = sign_in.is_link_open(session, token, clock.now())
    return _page(opens=opens, token=token)


@staff_pages.post("/desk/enter/<token>")
@access.requires("sign_in")
def let_in(token: str) -> Response | tuple[str, int]:
    """Use the link and set the session cookie, for staff pages only."""
    try:
        with db.transaction() as session:
            secret = sign_in.sign_in(session, token, clock.now())
    except Gone:
        return _page(opens=False, token="")
    response = redirect("/desk/", 303)
    response.set_cookie(
        sessions.cookie_name(),
        secret,
        max_age=sign_in.SESSION_LIFETIME,
        path="/desk",
        secure=sessions.is_secure(),
        httponly=True,
        samesite="Strict",
    )
    return response


@staff_pages.post("/desk/leave")
@access.requires("staff")
def leave() -> Response:
    """End this session, here and wherever its cookie was copied to."""
    with db.transaction() as session:
        sign_in.sign_out(session, request.cookies.get(sessions.cookie_name(), ""))
    g.staff = None
    response = redirect("/desk/enter", 303)
    response.delete_cookie(
        sessions.cookie_name(),
        path="/desk",
        secure=sessions.is_secure(),
        httponly=True,
        samesite="Strict",
    )
    return response


def _page(*, opens: bool, token: str) -> tuple[str, int]:
    page = render_template("staff/enter.html", language=_language(), opens=opens, token=token)
    return page, 200 if opens else 410


def _language() -> str:
    return i18n.negotiate_language(request.headers.get("Accept-Language"))
