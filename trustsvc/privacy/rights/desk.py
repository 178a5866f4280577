"""The staff page of privacy requests, with the 30 days each has to be answered."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, g, redirect, render_template, request
from werkzeug.wrappers import Response

from trustsvc import clock, i18n
from trustsvc.errors import NotFound, Refused
from trustsvc.http import access
from trustsvc.privacy import request_log
from trustsvc.privacy.documents import announcement
from trustsvc.privacy.rights import ask_again, burst_policy, objection_bursts
from trustsvc.shops import directory
from trustsvc.staff import desk_reading
from trustsvc.storage import db

privacy_desk = Blueprint("rights_desk", __name__)


@privacy_desk.get("/desk/requests")
@access.requires("staff")
@desk_reading.reads
def requests() -> str:
    """Show open requests, oldest first, then the newest settled ones."""
    now = clock.now()
    with db.reading() as session:
        everyone = directory.all_shops(session)
        page = {
            "waiting": request_log.open_requests(session, now),
            "settled": request_log.answered_requests(session),
            "unannounced": announcement.unannounced(session),
            "burst": objection_bursts.current(session, now),
        }
    return render_template(
        "desk/requests.html",
        language=i18n.negotiate_language(request.headers.get("Accept-Language")),
        staff=g.staff,
        requests=True,
        shops=everyone,
        shop_of={shop.id: shop for shop in everyone},
        kinds=list(request_log.Right),
        grounds=request_log.GROUNDS,
        days=request_log.DAYS,
        today=now,
        **page,
    )


@privacy_desk.post("/desk/requests")
@access.requires("staff")
def log_request() -> Response:
    """Log a request that came by e-mail or telephone; its 30 days begin on that day."""
    now = clock.now()
    with db.transaction() as session:
        slug = request.form.get("shop", "")
        shop_id = directory.by_slug(session, slug).id if slug else 0
        right = request_log.read_right(request.form.get("kind", ""))
        request_log.record_open(session, right, shop_id, _day(now))
    return redirect("/desk/requests", 303)


@privacy_desk.post("/desk/requests/<request_id>")
@access.requires("staff")
def answer(request_id: str) -> Response:
    """Mark a request answered, or refused on a ground."""
    ground = request.form.get("ground", "") if request.form.get("do") == "refuse" else ""
    if request.form.get("do") not in {"done", "refuse"} or (
        request.form.get("do") == "refuse" and not ground
    ):
        raise Refused("A request is done, or refused on a ground.")
    if not (request_id.isascii() and request_id.isdigit() and len(request_id) < 16):
        raise NotFound
    with db.transaction() as session:
        request_log.answer(
            session, int(request_id), f"staff {g.staff.staff_id}", clock.now(), ground
        )
    return redirect("/desk/requests", 303)


@privacy_desk.post("/desk/objections")
@access.requires("staff")
def decide_burst() -> Response:
    """Undo the past day's objections by the public page, of a network or all; or let them stand.

    Those that came after the page was shown are left.
    """
    now, deed = clock.now(), request.form.get("do", "")
    network = request.form.get("network", "")
    since, by = now - burst_policy.DAY, f"staff {g.staff.staff_id}"
    until = _shown_at(now)
    if deed not in {"undo", "keep"}:
        raise Refused("A burst is undone, or kept.")
    with db.transaction() as session:
        if deed == "undo":
            undone = objection_bursts.undo(session, since, until, network, now, by)
            ask_again.ask(session, undone.ended, since, now)
        else:
            objection_bursts.release(session, since, until, network, now)
    return redirect("/desk/requests", 303)


def _shown_at(now: datetime) -> datetime:
    """Read when the page was made that the decision is on; now where it does not say."""
    try:
        shown = datetime.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return now
    return min(shown, now) if shown.tzinfo else now


def _day(now: datetime) -> datetime:
    """Read the day it was made: within the past year, not in the future."""
    text = request.form.get("asked", "")
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC) if text else now
    except ValueError:
        raise Refused("The day is written as 2026-11-21.") from None
    if not now - timedelta(days=365) <= day <= now:
        raise Refused("The day must be in the past year.")
    return day
