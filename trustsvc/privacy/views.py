"""The doors without a link: the notice, and the pages that take an address."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

from trustsvc import clock, config, i18n
from trustsvc.address import MAX_CHARACTERS, NotAnAddress, normalise
from trustsvc.http import access
from trustsvc.http.rate_limit import RateLimit
from trustsvc.orders import privacy_requests
from trustsvc.privacy.documents import notice_history
from trustsvc.privacy.rights import objection
from trustsvc.registry.opt_out import EVERY_SHOP, opt_out
from trustsvc.registry.views import keep_pace
from trustsvc.shops import directory
from trustsvc.shops.directory import Shop
from trustsvc.storage import db

views = Blueprint("privacy", __name__)

# Of its own, so that a flood of registrations keeps nobody from a right.
gate = RateLimit(limit=30, period=timedelta(minutes=10))


@views.get("/privacy/<slug>")
@access.requires("public")
def show_notice(slug: str) -> Response:
    """Show what is true now, with its version and date, and the way to earlier ones."""
    language, now = _language(), clock.now()
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
        edition = notice_history.in_force(session, shop, config.current(), language, now)
        others = notice_history.history(session, shop.id, language)
    others = [other for other in others if other.version != edition.version]
    return _notice(shop, language, edition, others=others)


@views.get("/privacy/<slug>/<int:version>")
@access.requires("public")
def show_version(slug: str, version: int) -> Response:
    """Show a version that was in force once, word by word."""
    language = _language()
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
        edition = notice_history.get(session, shop.id, version, language)
        newest = notice_history.history(session, shop.id, language)[0].version
    return _notice(shop, language, edition, is_old=version != newest)


def _notice(
    shop: Shop, language: str, edition: notice_history.NoticeVersion, **more: Any
) -> Response:
    text = Markup(edition.text)  # noqa: S704 - written by notice.text, which escapes
    html = render_template(
        "privacy/notice.html", shop=shop, language=language, edition=edition, text=text, **more
    )
    return _public(html)


@views.get("/me")
@access.requires("public")
def where() -> Response:
    """Say where one's data can be seen, and take an address to mail a link to."""
    return _plain("privacy/where.html")


@views.post("/me")
@access.requires("public")
def mail_link() -> Response:
    """Write the question down for the job; the same answer, and as much work, for any address."""
    language = _language()
    address = _address()
    if not address:
        return _plain("privacy/where.html", 422, problem=True)
    keep_pace(gate)
    with db.transaction() as session:
        privacy_requests.write(
            session,
            privacy_requests.PrivacyRequest(
                "my_data", privacy_requests.EVERY_SHOP, language, address
            ),
            clock.now(),
        )
    return _plain("privacy/where.html", done=True)


@views.get("/object/<slug>")
@access.requires("public")
def objecting(slug: str) -> Response:
    """Show how to object before the first letter: a shop may link here from its own order mail."""
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
    return _plain("privacy/object.html", shop=shop)


@views.post("/object/<slug>")
@access.requires("public")
def object_to(slug: str) -> Response:
    """Opt the address out of this shop now, whoever it is; the rest is the job's.

    Nobody is asked to prove that the address is theirs, because an objection before the first
    letter takes effect at once. So a stranger's can stop what this shop has open, and no more:
    whoever is known gets a letter that tells it, the other shops stop by the link in one, and /me
    takes it back. The same bytes and the same work whoever it is, so that nothing tells who is
    known.
    """
    address, now = _address(), clock.now()
    everywhere = bool(request.form.get("everywhere"))
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
    if not address:
        return _plain("privacy/object.html", 422, shop=shop, problem=True)
    keep_pace(gate)
    with db.transaction() as session:
        for place in (shop.id, EVERY_SHOP) if everywhere else (shop.id,):
            privacy_requests.write(
                session, privacy_requests.PrivacyRequest("object", place, _language(), address), now
            )
        opt_out(session, address, shop.id, objection.REASON, now, noted_again=True)
    return _plain("privacy/object.html", shop=shop, everywhere=everywhere, done=True)


def _address() -> str:
    """Read the address a form holds; empty where it is none. It is never shown again."""
    said = request.form.get("email", "")[:MAX_CHARACTERS].strip()
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
    return i18n.negotiate_language(request.headers.get("Accept-Language"))


def _public(html: str) -> Response:
    response = make_response(html)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Vary"] = "Accept-Language"
    return response
