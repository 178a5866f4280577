"""The demo's pages: a shop that shows its badge, and the mailbox of all buyers.

Registered only with TRUSTSVC_DEMO, which the settings allow on loopback alone.
"""

import email
import email.policy
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template
from markupsafe import Markup

from trustsvc import config, i18n
from trustsvc.badge import content, embed_code
from trustsvc.badge.render import snippets
from trustsvc.demo import steps
from trustsvc.errors import NotFound
from trustsvc.http import access
from trustsvc.shops import directory, domain_proof
from trustsvc.storage import db

demo_pages = Blueprint("demo", __name__)
BUYER = "ada@mail.example"

# E-mails contain their styles, as mail programs require; only this page allows inline styles.
EMAIL_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@demo_pages.get("/demo/")
@access.requires("public")
def mailbox() -> str:
    with db.reading() as session:
        shops = directory.all_shops(session)
    newest_first = dict(reversed(steps.emails(_maildir()).items()))
    return render_template("demo/mailbox.html", language="en", emails=newest_first, shops=shops)


@demo_pages.get("/demo/mail/<name>")
@access.requires("public")
def email_text(name: str) -> str:
    """Show an e-mail's text with clickable links."""
    received = steps.emails(_maildir()).get(name)
    if received is None:
        raise NotFound
    return render_template("demo/email.html", language="en", email=received, name=name)


@demo_pages.get("/demo/mail/<name>/html")
@access.requires("public")
def email_html(name: str) -> Response:
    """Show an e-mail's HTML part, with its own styles and nothing else."""
    if name not in steps.emails(_maildir()):
        raise NotFound
    whole = (_maildir() / "new" / name).read_bytes()
    part = email.message_from_bytes(whole, policy=email.policy.default).get_body(("html",))
    if part is None:
        raise NotFound
    response = Response(part.get_content(), mimetype="text/html")
    response.headers["Content-Security-Policy"] = EMAIL_CSP
    return response


@demo_pages.get("/demo/shop/<slug>")
@access.requires("public")
def shop(slug: str) -> Response:
    """Show a shop's page with the snippet, under the policy such a page would need."""
    with db.reading() as session:
        shown = directory.by_slug(session, slug)
    snippets_of = embed_code.for_shop(shown)
    snippet = Markup(snippets_of["script"])  # noqa: S704 - snippets.py escapes
    newest = Markup(snippets_of["list"])  # noqa: S704 - as above
    page = render_template("demo/shop.html", shop=shown, snippet=snippet, newest=newest)
    return _shop_response(page)


@demo_pages.get("/demo/thanks/<slug>")
@access.requires("public")
def thanks(slug: str) -> Response:
    """Show the page after an order, with the card and a buyer's address."""
    with db.reading() as session:
        shown = directory.by_slug(session, slug)
    words = content.card_words(i18n.negotiate_language(shown.language))
    html = snippets.card(shown.slug, config.current().base_url, words)
    card = Markup(html.replace(" lang=", f' email="{BUYER}" lang=', 1))  # noqa: S704 - as above
    return _shop_response(render_template("demo/thanks.html", shop=shown, card=card))


def _shop_response(html: str) -> Response:
    """Answer as a shop with a strict Content-Security-Policy that allows this service."""
    origin = config.current().base_url
    response = make_response(html)
    sources = f"'self' {origin}"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; script-src {sources}; connect-src {sources}; "
        f"img-src {sources}; form-action {sources}; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return response


@demo_pages.get(domain_proof.PROOF_PATH)
@access.requires("public")
def proofs() -> Response:
    """Show the proof line that each demo shop would put on its own domain."""
    with db.reading() as session:
        lines = [domain_proof.proof_line(one) for one in directory.all_shops(session)]
    return Response("\n".join(lines), mimetype="text/plain")


def _maildir() -> Path:
    url = config.current().mail_url
    return Path(url.removeprefix("maildir:")) if url.startswith("maildir:") else Path("/nowhere")
