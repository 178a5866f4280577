"""The notice, and the plain page that shows a buyer what is kept. Nothing here changes anything."""

from flask import Blueprint, Response, make_response, render_template, request

from trustsvc import clock, config, db, doors, signed_links, wording
from trustsvc.privacy import my_data, notice
from trustsvc.shops import find

views = Blueprint("privacy", __name__)


@views.get("/privacy/<slug>")
@doors.open_to("everybody")
def show_notice(slug: str) -> Response:
    settings = config.current()
    with db.reading() as session:
        shop = find.by_slug(session, slug)
    html = render_template(
        "privacy/notice.html",
        language=_language(),
        shop=shop,
        settings=settings,
        purposes=notice.purposes(shop, settings.log_days),
        version=notice.VERSION,
        since=notice.SINCE,
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
