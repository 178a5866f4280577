"""The doors of registration: ask, confirm, leave. GET changes nothing; nothing tells who is in."""

from datetime import timedelta

from flask import Blueprint, Response, make_response, render_template, request

from trustsvc import clock, config, db, doors, signed_links, wording
from trustsvc.errors import TooMany
from trustsvc.fingerprints import NotAnAddress, normalise
from trustsvc.flood import Gate
from trustsvc.registry import ask, confirm, consent, register
from trustsvc.server_log import address
from trustsvc.shops import find

views = Blueprint("registry", __name__)

gate = Gate(most=30, every=timedelta(minutes=10))
MOST_CHARACTERS = 320
SOURCES = {"card", "page"}


@views.get("/register/<slug>")
@doors.open_to("everybody")
def show(slug: str) -> Response:
    with db.reading() as session:
        shop = find.by_slug(session, slug)
    return _form(shop, "", "page")


@views.post("/register/<slug>")
@doors.open_to("everybody")
def ask_for(slug: str) -> Response:
    """Take an address; the same bytes and the same work whoever it belongs to.

    The card on a shop's page posts `step=look`: the form comes back with the address in it and
    nothing is done, so that what is agreed to is seen here and not on somebody else's page.
    """
    email = request.form.get("email", "").strip()[:MOST_CHARACTERS]
    source = request.form.get("source", "")
    source = source if source in SOURCES else "page"
    with db.reading() as session:
        shop = find.by_slug(session, slug)
    if request.form.get("step") == "look":
        return _form(shop, email, source)
    try:
        normalise(email)
    except NotAnAddress:
        return _form(shop, email, source, wrong=True)
    keep_pace(gate)
    wish = ask.Wish(email, shop.id, _language(), source)
    with db.transaction() as session:
        ask.ask(session, wish, clock.now())
    return asked(shop, wish.language)


def keep_pace(at: Gate) -> None:
    """Count this request for its network, whatever it asks; raises TooMany."""
    trusted = config.current().trusted_proxies
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    if not at.lets_in(
        address.client(request.remote_addr or "", forwarded_for, trusted), clock.now()
    ):
        raise TooMany


def asked(shop: find.Shop, language: str) -> Response:
    """Say that a letter may be on its way, without a word of whom it is for."""
    html = render_template("registry/asked.html", language=language, shop=shop)
    return _private(make_response(html))


@views.get("/register/confirm/<token>")
@doors.open_to("link")
def show_confirm(token: str) -> str:
    link = signed_links.read("register", token)
    with db.reading() as session:
        pending = confirm.look(session, link, clock.now())
        return _confirm_page(pending, find.by_id(session, pending.shop_id))


@views.post("/register/confirm/<token>")
@doors.open_to("link")
def do_confirm(token: str) -> str:
    link = signed_links.read("register", token)
    with db.transaction() as session:
        pending = confirm.confirm(session, link, clock.now())
        shop = find.by_id(session, pending.shop_id)
    return _confirm_page(pending, shop)


@views.get("/register/leave/<token>")
@doors.open_to("link")
def show_leave(token: str) -> str:
    with db.reading() as session:
        return _leave_page(register.proof(session, signed_links.read("leave", token)))


@views.post("/register/leave/<token>")
@doors.open_to("link")
def do_leave(token: str) -> str:
    """Leave, whatever the body says: mail programs post one of their own (RFC 8058)."""
    link = signed_links.read("leave", token)
    with db.transaction() as session:
        known = register.proof(session, link)
        register.leave_by(session, link, clock.now())
    return _leave_page(None, known.language if known else None)


def _form(shop: find.Shop, email: str, source: str, *, wrong: bool = False) -> Response:
    language = _language()
    html = render_template(
        "registry/register.html",
        language=language,
        shop=shop,
        email=email,
        source=source,
        wrong=wrong,
        consent=consent.text(consent.VERSION, language),
    )
    return _private(make_response(html, 422 if wrong else 200))


def _confirm_page(pending: confirm.Pending, shop: find.Shop) -> str:
    return render_template(
        "registry/confirm.html",
        language=pending.language,
        shop=shop,
        pending=pending,
        consent=consent.text(pending.wording, pending.language),
        me=f"{config.current().base_url}/me",
    )


def _leave_page(proof: register.Proof | None, language: str | None = None) -> str:
    language = wording.choose(proof.language if proof else language, _language())
    return render_template("registry/leave.html", language=language, proof=proof)


def _language() -> str:
    return wording.choose(request.headers.get("Accept-Language"))


def _private(response: Response) -> Response:
    """Keep what may hold an address out of every cache and referrer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Vary"] = "Accept-Language"
    return response
