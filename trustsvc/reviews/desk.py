"""The desk: staff read what buyers wrote, decide on it with a reason, and see what was sent."""

from flask import Blueprint, g, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from trustsvc import clock, db, doors, wording
from trustsvc.errors import Refused
from trustsvc.orders import recent
from trustsvc.reviews import find, moderate
from trustsvc.reviews.rules import REASONS
from trustsvc.shops import find as shops

desk = Blueprint("reviews_desk", __name__)


@desk.get("/desk/")
@doors.open_to("staff")
def waiting() -> str:
    """Show the reviews that wait, longest waiting first, then the newest decided ones."""
    with db.reading() as session:
        page = {
            "waiting": find.listing(session, state="pending", limit=50),
            "decided": find.decided(session),
        }
        return _page(session, "desk/reviews.html", **page, reasons=REASONS)


@desk.post("/desk/reviews/<public_id>")
@doors.open_to("staff")
def decide(public_id: str) -> Response:
    """Approve or reject one text of a review; a decision that came too late is said, not taken."""
    by, now = f"staff {g.staff.staff_id}", clock.now()
    version = request.form.get("version", "")
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


@desk.get("/desk/orders/<slug>")
@doors.open_to("staff")
def orders(slug: str) -> str:
    """Show what was decided on a shop's newest orders, and why: no names, no addresses."""
    with db.reading() as session:
        shop = shops.by_slug(session, slug)
        told = recent.recent(session, shop.id)
        return _page(session, "desk/orders.html", shop=shop, orders=told)


def _page(session: Session, template: str, **values: object) -> str:
    language = wording.choose(request.headers.get("Accept-Language"))
    everyone = shops.everyone(session)
    return render_template(template, language=language, staff=g.staff, shops=everyone, **values)
