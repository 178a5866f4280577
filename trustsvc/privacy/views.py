"""The doors without a link: the notice, and the pages that take an address."""

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from trustsvc import clock, config, db, doors, wording
from trustsvc.address import MOST_CHARACTERS, NotAnAddress, normalise
from trustsvc.orders import asked
from trustsvc.privacy import notice
from trustsvc.privacy.rights import objection
from trustsvc.registry.opt_out import EVERY_SHOP, opt_out
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


@views.get("/me")
@doors.open_to("everybody")
def where() -> Response:
    """Say where one's data can be seen, and take an address to mail a link to."""
    return _plain("privacy/where.html")


@views.post("/me")
@doors.open_to("everybody")
def mail_link() -> Response:
    """Write the question down for the job; the same answer, and as much work, for any address."""
    language = _language()
    address = _address()
    if not address:
        return _plain("privacy/where.html", 422, problem=True)
    with db.transaction() as session:
        asked.write(session, asked.Ask("my_data", asked.EVERY_SHOP, language, address), clock.now())
    return _plain("privacy/where.html", done=True)


@views.get("/object/<slug>")
@doors.open_to("everybody")
def objecting(slug: str) -> Response:
    """Show how to object before the first letter: a shop may link here from its own order mail."""
    with db.reading() as session:
        shop = find.by_slug(session, slug)
    return _plain("privacy/object.html", shop=shop)


@views.post("/object/<slug>")
@doors.open_to("everybody")
def object_to(slug: str) -> Response:
    """Opt the address out now, whoever it is; the rest is the job's, so that no time tells who.

    Nobody is asked to prove that the address is theirs: the worst that comes of a stranger's is a
    letter less. Whoever is known gets one that confirms it.
    """
    address, now = _address(), clock.now()
    with db.transaction() as session:
        shop = find.by_slug(session, slug)
        if address:
            place = EVERY_SHOP if request.form.get("everywhere") else shop.id
            opt_out(session, address, place, objection.REASON, now)
            asked.write(session, asked.Ask("object", place, _language(), address), now)
    if not address:
        return _plain("privacy/object.html", 422, shop=shop, problem=True)
    return _plain("privacy/object.html", shop=shop, done=True)


def _address() -> str:
    """Read the address a form holds; empty where it is none. It is never shown again."""
    said = request.form.get("email", "")[:MOST_CHARACTERS].strip()
    try:
        normalise(said)
    except NotAnAddress:
        return ""
    return said


def _plain(template: str, status: int = 200, **values: Any) -> Response:
    settings = config.current()
    html = render_template(template, language=_language(), contact=settings.contact, **values)
    response = _public(html)
    response.status_code = status
    if request.method == "POST":
        response.headers["Cache-Control"] = "no-store"
    return response


def _language() -> str:
    return wording.choose(request.headers.get("Accept-Language"))


def _public(html: str) -> Response:
    response = make_response(html)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Vary"] = "Accept-Language"
    return response
