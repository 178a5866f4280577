"""Routes of a shop's public page. None sets a cookie or changes a state."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

from trustsvc import clock, config, i18n
from trustsvc.badge.page import profile
from trustsvc.badge.page.sitemap import robots_txt, sitemap_pages, sitemap_xml
from trustsvc.badge.render import json_forms, png, svg
from trustsvc.http import access
from trustsvc.reviews.policy import REASONS
from trustsvc.storage import db

badge_page = Blueprint("badge_page", __name__)

VERIFY = Markup("<code>trustsvc verify-badge URL</code>")

# No longer in any cache, not even during an outage: a review may have been withdrawn.
CACHE_ONE_MINUTE = "public, max-age=60, must-revalidate"


@badge_page.get("/s/<slug>")
@access.requires("public")
def page(slug: str) -> Response:
    """Show a page of a shop's reviews; `?stars=4` filters, `?before=` pages."""
    language = i18n.negotiate_language(request.headers.get("Accept-Language"))
    wanted = profile.parse_request(request.args.get("stars", ""), request.args.get("before", ""))
    with db.reading() as session:
        shown = profile.read_profile(session, slug, wanted, clock.now())
    html = render_template(
        "badge/profile.html",
        language=language,
        profile=shown,
        shop=shown.shop,
        score=shown.score,
        stars=svg.star_path(),
        rosette=svg.SEAL,
        picture=(png.WIDTH, png.HEIGHT),
        filled=f"{svg.filled_width(shown.score.mean):.3f}",
        wanted=wanted,
        data=_data(shown, wanted),
        reasons=REASONS,
        verify=VERIFY,
        whole=i18n.format_integer,
        iso_day=_iso_day,
    )
    response = make_response(html)
    response.headers["Cache-Control"] = CACHE_ONE_MINUTE
    response.headers["Vary"] = "Accept-Language"
    return response


@badge_page.get("/sitemap.xml")
@access.requires("public")
def sitemap_file() -> Response:
    """List the public pages of shops with reviews, for search engines."""
    with db.reading() as session:
        pages = sitemap_pages(session, clock.now())
    body = sitemap_xml(config.current().base_url, pages)
    return _for_machines(body, "application/xml")


@badge_page.get("/robots.txt")
@access.requires("public")
def robots_file() -> Response:
    """Name the sitemap, and what search engines leave out."""
    return _for_machines(robots_txt(config.current().base_url), "text/plain")


def _for_machines(body: str, kind: str) -> Response:
    response = Response(body, mimetype=kind)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _data(shown: profile.Profile, wanted: profile.PageRequest) -> str:
    """JSON-LD of the score, if the operator enabled it and the domain is proven."""
    first = wanted == profile.PageRequest()
    if not (config.current().json_ld and first and shown.sealed and shown.score.count):
        return ""
    page = f"{config.current().base_url}/s/{shown.shop.slug}"
    return json_forms.as_json_ld(shown.shop.name, shown.shop.domain, page, shown.score)


def _iso_day(moment: datetime, zone: str) -> str:
    """The day in ISO 8601, in the shop's time zone as in the visible text."""
    return moment.astimezone(ZoneInfo(zone)).date().isoformat()
