"""The author's page: one link to write, see, correct and withdraw. GET changes nothing."""

import re
from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect, render_template, request
from sqlalchemy.orm import Session

from trustsvc import clock, config, i18n
from trustsvc.crypto import signed_links
from trustsvc.errors import Gone
from trustsvc.http import access
from trustsvc.invitations import redeem
from trustsvc.invitations.state import InvitationState
from trustsvc.orders import buyer
from trustsvc.registry import double_opt_in
from trustsvc.reviews import correct, lookup, policy, reply, submit, withdraw
from trustsvc.reviews.state import MAY_CHANGE
from trustsvc.shops import directory
from trustsvc.storage import db

CLOSED = {InvitationState.WITHDRAWN: "withdrawn", InvitationState.REDEEMED: "gone"}

review_pages = Blueprint("reviews", __name__)


@review_pages.get("/r/<token>")
@access.requires("link")
def show(token: str) -> Response:
    """Show the form, or the review that was written; changes nothing: mail scanners open links."""
    link_id = signed_links.verify("review", token)
    with db.reading() as session:
        return _page(session, link_id, None)


@review_pages.post("/r/<token>")
@access.requires("link")
def act(token: str) -> Response:
    """Write, correct or withdraw; then redirect, so that a reload posts nothing."""
    link_id = signed_links.verify("review", token)
    filled = policy.read_form(request.form)
    with db.transaction() as session:
        done = _act(session, link_id, filled)
    if not done:
        with db.reading() as session:
            return _page(session, link_id, filled)
    answer = make_response(redirect(f"/r/{token}", 303))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@review_pages.post("/r/<token>/register")
@access.requires("link")
def register(token: str) -> str:
    """Send the author of a review a registration request by e-mail, and do no more.

    Links are passed on, so this one proves nothing: only the link in that e-mail confirms.
    """
    link_id = signed_links.verify("review", token)
    now = clock.now()
    with db.transaction() as session:
        invitation = redeem.find(session, link_id)
        shop = directory.by_id(session, invitation.shop_id)
        language = i18n.negotiate_language(invitation.language)
        author = lookup.author_email(session, invitation.id)
        if author is None:
            raise Gone
        double_opt_in.request_registration(
            session,
            double_opt_in.RegistrationRequest(author, shop.id, language, "review"),
            now,
        )
    return render_template("registry/asked.html", language=language, shop=shop)


def _act(session: Session, link_id: bytes, filled: policy.ReviewForm) -> bool:
    """Run the requested action; False when the form must be shown again.

    Scanners and double clicks repeat a POST without a button: it never changes an existing review.
    Correcting and withdrawing have buttons of their own. Another text sent without a button shows
    a notice, with the new text in the form for corrections.
    """
    action = request.form.get("do", "")
    now = clock.now()
    invitation = redeem.find(session, link_id)
    review = lookup.find_by_invitation(session, invitation.id)
    if review is None:
        if action == "withdraw":
            return True
        if filled.author_input is None or not submit.is_open(invitation, now):
            return False
        written = lookup.find_review(
            session, submit.submit(session, link_id, filled.author_input, now)
        )
        return written.author_input == filled.author_input
    if action == "withdraw":
        withdraw.withdraw(session, review.id, now)
    elif action == "correct" and review.state in MAY_CHANGE:
        if filled.author_input is None:
            return False
        correct.correct(session, review.id, filled.author_input, now)
    elif not action and review.state in MAY_CHANGE and any(filled.values.values()):
        return review.author_input == filled.author_input
    return True


def _page(session: Session, link_id: bytes, filled: policy.ReviewForm | None) -> Response:
    """Show what this link leads to now: the form, the written review, or why it is closed."""
    invitation = redeem.find(session, link_id)
    shop = directory.by_id(session, invitation.shop_id)
    review = lookup.find_by_invitation(session, invitation.id)
    shared = {
        "language": i18n.negotiate_language(invitation.language),
        "shop": shop,
        "link_id": link_id,
        "most": policy.MAX_LENGTHS,
        "problems": filled.problems if filled else {},
    }
    status = 422 if filled and filled.problems else 200
    if review:
        shared |= {"values": filled.values if filled else _values(review), "review": review}
        late = filled is not None and not request.form.get("do")
        contact = config.current().contact
        shared["reply"] = reply.replies_to(session, [review.row_id]).get(review.row_id)
        shared["offer"] = not invitation.basis.startswith("registered")
        html = render_template("reviews/yours.html", late=late, contact=contact, **shared)
        return make_response(html, status)
    if not submit.is_open(invitation, clock.now()):
        why = CLOSED.get(InvitationState(invitation.state), "expired")
        until = invitation.expires_at
        return make_response(
            render_template("reviews/closed.html", why=why, until=until, **shared), 410
        )
    values = filled.values if filled else _suggested(session, invitation)
    return make_response(render_template("reviews/form.html", values=values, **shared), status)


def _suggested(session: Session, invitation: redeem.Invitation) -> Mapping[str, str]:
    """Suggest the name as it might be shown, and the star that was clicked in the message."""
    who = buyer.read(session, [invitation.order_id]).get(invitation.order_id)
    stars = re.match(r"[1-5](?!\w)", request.args.get("stars", ""))
    return {
        "stars": stars[0] if stars else "",
        "name": policy.public_name(who.name) if who else "",
    }


def _values(review: lookup.Review) -> Mapping[str, str]:
    return {
        "stars": str(review.stars),
        "title": review.title,
        "text": review.text,
        "name": review.name,
        "city": review.city,
        "consent": "yes" if review.consent else "no",
    }
