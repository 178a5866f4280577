"""Pages of a shop's privacy notice: the current version and earlier ones."""

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

from trustsvc import clock, config, i18n
from trustsvc.http import access
from trustsvc.privacy.documents import notice_history
from trustsvc.shops import directory
from trustsvc.shops.directory import Shop
from trustsvc.storage import db

notice_pages = Blueprint("privacy_notice", __name__)


@notice_pages.get("/privacy/<slug>")
@access.requires("public")
def show_notice(slug: str) -> Response:
    """Show the current notice with version and date, and links to earlier ones."""
    language, now = _language(), clock.now()
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
        version = notice_history.in_force(session, shop, config.current(), language, now)
        others = notice_history.history(session, shop.id, language)
    others = [other for other in others if other.version != version.version]
    return _notice(shop, language, version, others=others)


@notice_pages.get("/privacy/<slug>/<int:version>")
@access.requires("public")
def show_version(slug: str, version: int) -> Response:
    """Show one recorded version, word by word."""
    language = _language()
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
        notice = notice_history.get(session, shop.id, version, language)
        newest = notice_history.history(session, shop.id, language)[0].version
    return _notice(shop, language, notice, is_old=version != newest)


def _notice(
    shop: Shop, language: str, notice: notice_history.NoticeVersion, **more: object
) -> Response:
    text = Markup(notice.text)  # noqa: S704 - written by notice.text, which escapes
    html = render_template(
        "privacy/notice.html", shop=shop, language=language, notice=notice, text=text, **more
    )
    response = make_response(html)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Vary"] = "Accept-Language"
    return response


def _language() -> str:
    return i18n.negotiate_language(request.headers.get("Accept-Language"))
