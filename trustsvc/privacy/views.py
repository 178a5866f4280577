"""Pages that take an address: request a link to one's data, or object; no link needed."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from flask import Blueprint, Response, make_response, render_template, request

from trustsvc import clock, config, i18n
from trustsvc.address import MAX_CHARACTERS, NotAnAddress, normalise
from trustsvc.crypto.pseudonyms import network_pseudonym
from trustsvc.http import access
from trustsvc.http.rate_limit import RateLimit
from trustsvc.orders import privacy_requests
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.orders.received import PrivacyRequestKind
from trustsvc.privacy.rights import objection, objection_bursts
from trustsvc.registry.opt_out import opt_out_typed
from trustsvc.registry.views import enforce_rate_limit, requesting_network
from trustsvc.shops import directory
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

request_pages = Blueprint("privacy_requests", __name__)

# Separate from registrations, so that a flood of them blocks nobody's rights.
privacy_page_limit = RateLimit("privacy", limit=30, period=timedelta(minutes=10))


@request_pages.get("/me")
@access.requires("public")
def link_form() -> Response:
    """Explain where one's data can be seen, and take an address to mail a link to."""
    return _page("privacy/where.html")


@request_pages.post("/me")
@access.requires("public")
def request_link() -> Response:
    """Record the request for the job; same answer and same work for any address."""
    address = _address()
    if not address:
        return _page("privacy/where.html", 422, problem=True)
    enforce_rate_limit(privacy_page_limit)
    with db.transaction() as session:
        privacy_requests.enqueue(session, _request("MY_DATA", EVERY_SHOP, address), clock.now())
    return _page("privacy/where.html", done=True)


@request_pages.get("/object/<slug>")
@access.requires("public")
def objection_form(slug: str) -> Response:
    """Show the objection form; a shop may link to it from its order confirmation."""
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
    return _page("privacy/object.html", shop=shop)


@request_pages.post("/object/<slug>")
@access.requires("public")
def object_by_address(slug: str) -> Response:
    """Opt the address out of this shop at once; the job does the rest.

    No proof is asked of a buyer of this shop. A stranger can do little harm by it. For an address
    that the shop does not know, the job takes the objection back and asks the owner of the address
    to confirm it, as for the other shops. A burst raises an alarm and can be undone. Same bytes and
    same work for any address, so that the answer does not tell who is known. Raises TooMany and
    Unavailable.
    """
    address, now = _address(), clock.now()
    everywhere = bool(request.form.get("everywhere"))
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
    if not address:
        return _page("privacy/object.html", 422, shop=shop, problem=True)
    enforce_rate_limit(privacy_page_limit)
    with db.transaction() as session:
        network = requesting_network()
        treatment = objection_bursts.record(session, address, shop.id, network, now)
        held_until = now + objection_bursts.HOLD if treatment.is_held else None
        objecting = replace(_request("OBJECT", shop.id, address), everywhere=everywhere)
        privacy_requests.enqueue(session, objecting, now, held_until)
        if not treatment.must_confirm:
            opt_out_typed(session, address, shop.id, objection.REASON, now)
    return _page("privacy/object.html", shop=shop, everywhere=everywhere, done=True)


def _request(kind: Literal["MY_DATA", "OBJECT"], shop_id: int, address: str) -> PrivacyRequest:
    network = network_pseudonym(requesting_network())
    return PrivacyRequest(PrivacyRequestKind[kind], shop_id, _language(), address, network=network)


def _address() -> str:
    """Read the address from the form; empty if invalid. It is never shown again."""
    text = request.form.get("email", "")[:MAX_CHARACTERS].strip()
    try:
        normalise(text)
    except NotAnAddress:
        return ""
    return text


def _page(template: str, status: int = 200, **values: object) -> Response:
    settings = config.current()
    html = render_template(template, language=_language(), contact=settings.contact, **values)
    response = make_response(html, status)
    is_post = request.method == "POST"
    response.headers["Cache-Control"] = "no-store" if is_post else "public, max-age=300"
    response.headers["Vary"] = "Accept-Language"
    return response


def _language() -> str:
    return i18n.negotiate_language(request.headers.get("Accept-Language"))
