"""The routes to unsubscribe: a page with buttons, and one click in mail programs (RFC 8058)."""

from flask import Blueprint, render_template, request

from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.http import access, form_origin
from trustsvc.invitations import redeem, unsubscribe
from trustsvc.shops import directory
from trustsvc.storage import db

unsubscribe_pages = Blueprint("invitations", __name__)


@unsubscribe_pages.get("/u/<token>")
@access.requires("link")
def show_stop(token: str) -> str:
    """Say what will happen and change nothing: scanners open every link of an e-mail."""
    link_id = signed_links.verify("stop", token)
    with db.reading() as session:
        invitation = redeem.find(session, link_id)
        everywhere = unsubscribe.can_unsubscribe_everywhere(session, invitation)
        return _page(directory.by_id(session, invitation.shop_id), invitation, link_id, everywhere)


@unsubscribe_pages.post("/u/<token>")
@access.requires("link")
@form_origin.accepts_other_sites(lambda _: True)
def stop_asking(token: str) -> str:
    """Stop at this shop, or at all of them where the form says so; any other body is this shop.

    A mail program posts without a cookie and follows no redirect; the same answer each time.
    """
    link_id = signed_links.verify("stop", token)
    everywhere = request.form.get("scope") == "all"
    with db.transaction() as session:
        invitation = redeem.find(session, link_id)
        done = unsubscribe.unsubscribe(session, invitation, clock.now(), everywhere=everywhere)
        shop = directory.by_id(session, invitation.shop_id)
    return _page(shop, invitation, link_id, everywhere=False, done=done)


def _page(
    shop: directory.Shop,
    invitation: redeem.Invitation,
    link_id: bytes,
    everywhere: bool,
    done: unsubscribe.Unsubscribed | None = None,
) -> str:
    return render_template(
        "invitations/stop.html",
        language=invitation.language,
        shop=shop,
        link_id=link_id,
        everywhere=everywhere,
        done=done,
    )
