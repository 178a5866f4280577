"""Public pages of registration: request, confirm, leave. No page tells who is registered."""

from datetime import timedelta

from flask import Blueprint, Response, make_response, render_template, request

from trustsvc import clock, config, i18n
from trustsvc.address import NotAnAddress, normalise
from trustsvc.crypto import signed_links
from trustsvc.crypto.pseudonyms import network_pseudonym
from trustsvc.errors import TooMany
from trustsvc.http import access, form_origin
from trustsvc.http.rate_limit import RateLimit, network
from trustsvc.registry import double_opt_in, registration
from trustsvc.server_log import requester
from trustsvc.shops import directory
from trustsvc.storage import db

registration_pages = Blueprint("registry", __name__)

registration_limit = RateLimit("register", limit=20, period=timedelta(hours=1))
MAX_ADDRESS_LENGTH = 320
SOURCES = {"card", "page"}


@registration_pages.get("/register/<slug>")
@access.requires("public")
def show(slug: str) -> Response:
    """Show the registration form of a shop."""
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
    return _form(shop, "", "page")


@registration_pages.post("/register/<slug>")
@access.requires("public")
@form_origin.accepts_other_sites(lambda form: form.get("step") == "look")
def ask_for(slug: str) -> Response:
    """Request a registration; same answer and same work whether the address is known or not.

    The card on a shop's page posts `step=look`, which only returns the form with the address, so
    that the consent text is read on this page and not on the shop's.
    """
    email = request.form.get("email", "").strip()[:MAX_ADDRESS_LENGTH]
    source = request.form.get("source", "")
    source = source if source in SOURCES else "page"
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
    if request.form.get("step") == "look":
        return _form(shop, email, source)
    try:
        normalise(email)
    except NotAnAddress:
        return _form(shop, email, source, wrong=True)
    enforce_rate_limit(registration_limit)
    registration_request = double_opt_in.RegistrationRequest(
        email, shop.id, _language(), source, network_pseudonym(requesting_network())
    )
    with db.transaction() as session:
        double_opt_in.enforce_hourly_limit(session, registration_request, clock.now())
        double_opt_in.request_registration(session, registration_request, clock.now())
    return request_received_page(shop, registration_request.language)


def enforce_rate_limit(limit: RateLimit) -> None:
    """Count this request for its network; raises TooMany."""
    if not limit.allows(requester.address(), clock.now()):
        raise TooMany


def requesting_network() -> str:
    """Give the network that this request came from."""
    return network(requester.address())


def request_received_page(shop: directory.Shop, language: str) -> Response:
    """Page: a message may be on its way. Does not show the address."""
    html = render_template("registry/asked.html", language=language, shop=shop)
    return _private(make_response(html))


@registration_pages.get("/register/confirm/<token>")
@access.requires("link")
def show_confirm(token: str) -> str:
    """Show one button and change nothing: mail scanners open links."""
    link = signed_links.verify("register", token)
    with db.reading() as session:
        pending = double_opt_in.find_pending(session, link, clock.now())
        return _confirm_page(pending, directory.by_id(session, pending.shop_id))


@registration_pages.post("/register/confirm/<token>")
@access.requires("link")
def do_confirm(token: str) -> str:
    """Complete the registration (double opt-in); twice changes nothing."""
    link = signed_links.verify("register", token)
    with db.transaction() as session:
        pending = double_opt_in.confirm(session, link, clock.now())
        shop = directory.by_id(session, pending.shop_id)
    return _confirm_page(pending, shop)


@registration_pages.get("/register/leave/<token>")
@access.requires("link")
def show_leave(token: str) -> str:
    """Show what was consented to and a button to leave; changes nothing."""
    with db.reading() as session:
        return _leave_page(registration.consent_proof(session, signed_links.verify("leave", token)))


@registration_pages.post("/register/leave/<token>")
@access.requires("link")
@form_origin.accepts_other_sites(lambda _: True)
def do_leave(token: str) -> str:
    """End the registration, whatever the body: mail programs post their own (RFC 8058)."""
    link = signed_links.verify("leave", token)
    with db.transaction() as session:
        proof = registration.consent_proof(session, link)
        registration.leave_by_link(session, link, clock.now())
    return _leave_page(None, proof.language if proof else None)


def _form(shop: directory.Shop, email: str, source: str, *, wrong: bool = False) -> Response:
    language = _language()
    html = render_template(
        "registry/register.html",
        language=language,
        shop=shop,
        email=email,
        source=source,
        wrong=wrong,
        consent=double_opt_in.consent_text(double_opt_in.CONSENT_VERSION, language),
    )
    return _private(make_response(html, 422 if wrong else 200))


def _confirm_page(pending: double_opt_in.PendingRegistration, shop: directory.Shop) -> str:
    return render_template(
        "registry/confirm.html",
        language=pending.language,
        shop=shop,
        pending=pending,
        consent=double_opt_in.consent_text(pending.consent_version, pending.language),
        me=f"{config.current().base_url}/me",
    )


def _leave_page(proof: registration.ConsentProof | None, language: str | None = None) -> str:
    language = i18n.negotiate_language(proof.language if proof else language, _language())
    return render_template("registry/leave.html", language=language, proof=proof)


def _language() -> str:
    return i18n.negotiate_language(request.headers.get("Accept-Language"))


def _private(response: Response) -> Response:
    """Keep pages that may show an address out of caches and referrers."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"  # without one, a form's Origin is null
    response.headers["Vary"] = "Accept-Language"
    return response
