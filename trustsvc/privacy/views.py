"""The notice, and the plain page that shows a buyer what is kept. Nothing here changes anything."""

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

from trustsvc import clock, config, db, doors, signed_links, wording
from trustsvc.privacy import editions, my_data
from trustsvc.shops import find
from trustsvc.shops.find import Shop

views = Blueprint("privacy", __name__)


@views.get("/privacy/<slug>")
@doors.open_to("everybody")
def show_notice(slug: str) -> Response:
    """Show what is true now, with its version and date, and the way to earlier ones."""
    language, now = _language(), clock.now()
    with db.reading() as session:
        shop = find.by_slug(session, slug)
        edition = editions.in_force(session, shop, config.current(), language, now)
        others = editions.history(session, shop.id, language)
    others = [other for other in others if other.version != edition.version]
    return _notice(shop, language, edition, others=others)


@views.get("/privacy/<slug>/<int:version>")
@doors.open_to("everybody")
def show_version(slug: str, version: int) -> Response:
    """Show a version that was in force once, word by word."""
    language = _language()
    with db.reading() as session:
        shop = find.by_slug(session, slug)
        edition = editions.one(session, shop.id, version, language)
        newest = editions.history(session, shop.id, language)[0].version
    return _notice(shop, language, edition, is_old=version != newest)


def _notice(shop: Shop, language: str, edition: editions.Edition, **more: Any) -> Response:
    text = Markup(edition.text)  # noqa: S704 - written by notice.text, which escapes
    html = render_template(
        "privacy/notice.html", shop=shop, language=language, edition=edition, text=text, **more
    )
    return _public(html)


@views.route("/me", methods=["GET", "POST"])
@doors.open_to("everybody")
def where() -> Response:
    """Say where one's data can be seen: the same to everybody, no address is asked for.

    Nothing is mailed from here yet, so nothing is asked either: a form that takes an address and
    does nothing with it would be a promise that is not kept.
    """
    html = render_template(
        "privacy/where.html", language=_language(), contact=config.current().contact
    )
    return _public(html)


@views.get("/me/<token>")
@doors.open_to("link")
def me(token: str) -> str:
    link_id = signed_links.read("me", token)
    with db.reading() as session:
        mine = my_data.read(session, link_id)
    return render_template(
        "privacy/me.html",
        language=wording.choose(mine.invitation.language),
        mine=mine,
        shop=mine.shop,
        link_id=link_id,
        contact=config.current().contact,
        now=clock.now(),
    )


def _language() -> str:
    return wording.choose(request.headers.get("Accept-Language"))


def _public(html: str) -> Response:
    response = make_response(html)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Vary"] = "Accept-Language"
    return response
