"""The staff's pages: moderate reviews, write replies, see decisions on orders."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from trustsvc import clock, i18n
from trustsvc.errors import Refused
from trustsvc.http import access
from trustsvc.orders import decision_log
from trustsvc.orders.catch_up import connection_status
from trustsvc.orders.webhook_health import summary
from trustsvc.reviews import decision_texts, lookup, moderate, reply
from trustsvc.reviews.policy import MAX_REPLY, REASONS
from trustsvc.reviews.state import ReviewState
from trustsvc.shops import directory
from trustsvc.staff import desk_reading
from trustsvc.storage import db

review_desk = Blueprint("reviews_desk", __name__)


@review_desk.get("/desk/")
@access.requires("staff")
@desk_reading.reads
def waiting() -> str:
    """Show the reviews that wait, longest waiting first, then the newest decided ones."""
    with db.reading() as session:
        page = {
            "waiting": lookup.list_reviews(session, state=ReviewState.PENDING, limit=50),
            "decided": (decided := lookup.list_decided(session)),
            "replies": reply.replies_to(session, [review.row_id for review in decided]),
            "most_reply": MAX_REPLY,
            "alarms": summary.with_alarm(session, clock.now()),
        }
        return _page(session, "desk/reviews.html", **page, reasons=REASONS)


@review_desk.post("/desk/reviews/<public_id>")
@access.requires("staff")
def decide(public_id: str) -> Response:
    """Approve or reject one text of a review; a late decision is not taken, and the page says so.

    The form must name the version that was read, so that it is clear what was decided on.
    """
    by, now = f"staff {g.staff.staff_id}", clock.now()
    version = request.form.get("version", "")
    if not version:
        raise Refused("Load the desk again: the decision does not say which text was read.")
    with db.transaction() as session:
        match request.form.get("do"):
            case "approve":
                done = moderate.approve(session, public_id, by, now, version=version)
            case "reject":
                reason = request.form.get("reason", "")
                done = moderate.reject(session, public_id, reason, by, now, version=version)
            case _:
                raise Refused("A review can be approved or rejected.")
    return redirect("/desk/" if done else "/desk/?late=1", 303)


@review_desk.post("/desk/reviews/<public_id>/reply")
@access.requires("staff")
def answer(public_id: str) -> Response:
    """Write, change or remove the shop's reply; the page says when it was too late."""
    by, now = f"staff {g.staff.staff_id}", clock.now()
    with db.transaction() as session:
        match request.form.get("do"):
            case "reply":
                shown = reply.write_reply(session, public_id, request.form.get("text", ""), by, now)
            case "remove":
                shown = reply.remove_reply(session, public_id, now)
            case _:
                raise Refused("A reply can be written or removed.")
    return redirect(f"/desk/#review-{public_id}" if shown else "/desk/?late=1", 303)


@review_desk.get("/desk/orders/<slug>")
@access.requires("staff")
@desk_reading.reads
def orders(slug: str) -> str:
    """Show what was decided on a shop's newest orders, and why: no names, no addresses."""
    with db.reading() as session:
        shop = directory.by_slug(session, slug)
        newest = decision_log.recent_orders(session, shop.id)
        # After the review was written the review knows the number, and the order no longer.
        unnamed = [order.id for order in newest if not order.reference]
        references = lookup.order_references(session, unnamed)
        page = {
            "orders": newest,
            "references": references,
            "words": decision_texts.describe,
            "minute": _minute,
            "connection": connection_status.of_shops(session).get(shop.id),
        }
        return _page(session, "desk/orders.html", shop=shop, **page)


def _page(session: Session, template: str, **values: object) -> str:
    language = i18n.negotiate_language(request.headers.get("Accept-Language"))
    everyone = directory.all_shops(session)
    shared = {"shops": everyone, "shop_of": {shop.slug: shop for shop in everyone}}
    return render_template(template, language=language, staff=g.staff, **shared, **values)


def _minute(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
