"""The demo's pages: a little shop that shows its badge, and the mailbox of all its buyers.

Registered only with TRUSTSVC_DEMO, which the settings allow on loopback alone.
"""

import email
import email.policy
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template
from markupsafe import Markup

from trustsvc import config, db, doors, wording
from trustsvc.badge import render
from trustsvc.demo import visit
from trustsvc.errors import NotFound
from trustsvc.shops import find, prove

views = Blueprint("demo", __name__)

# Letters carry their styles with them, as mail programs want it; this page alone allows that.
LETTER_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@views.get("/demo/")
@doors.open_to("everybody")
def mailbox() -> str:
    with db.reading() as session:
        shops = find.everyone(session)
    newest_first = dict(reversed(visit.letters(_maildir()).items()))
    return render_template(
        "demo/mailbox.html", language="en", letters=newest_first, shops=shops, open_letter=None
    )


@views.get("/demo/mail/<name>")
@doors.open_to("everybody")
def letter(name: str) -> str:
    """Show a letter's text, its links made clickable."""
    found = visit.letters(_maildir()).get(name)
    if found is None:
        raise NotFound
    return render_template("demo/letter.html", language="en", letter=found, name=name)


@views.get("/demo/mail/<name>/html")
@doors.open_to("everybody")
def letter_html(name: str) -> Response:
    """Show a letter as mail programs do, with its own styles and nothing else it might bring."""
    if name not in visit.letters(_maildir()):
        raise NotFound
    whole = (_maildir() / "new" / name).read_bytes()
    part = email.message_from_bytes(whole, policy=email.policy.default).get_body(("html",))
    if part is None:
        raise NotFound
    response = Response(part.get_content(), mimetype="text/html")
    response.headers["Content-Security-Policy"] = LETTER_CSP
    return response


@views.get("/demo/shop/<slug>")
@doors.open_to("everybody")
def shop(slug: str) -> Response:
    """Show a shop's page with the snippet on it, under the policy such a page would need."""
    origin = config.current().base_url
    with db.reading() as session:
        found = find.by_slug(session, slug)
    words = wording.say("badge.alt", wording.choose(found.language), shop=found.name)
    snippet = Markup(render.snippet(found.slug, origin, words))  # noqa: S704 - render.py escapes
    response = make_response(render_template("demo/shop.html", shop=found, snippet=snippet))
    sources = f"'self' {origin}"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; script-src {sources}; connect-src {sources}; "
        f"img-src {sources}; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return response


@views.get(prove.PATH)
@doors.open_to("everybody")
def proofs() -> Response:
    """Show what each demo shop would put on its own domain."""
    with db.reading() as session:
        lines = [prove.line(one) for one in find.everyone(session)]
    return Response("\n".join(lines), mimetype="text/plain")


def _maildir() -> Path:
    url = config.current().mail_url
    return Path(url.removeprefix("maildir:")) if url.startswith("maildir:") else Path("/nowhere")
