"""The desk's page on letters: what keeps them from leaving, and which are in doubt."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, render_template, request
from werkzeug.wrappers import Response

from trustsvc import clock, config, i18n
from trustsvc.http import access
from trustsvc.invitations.planning import volume_guard
from trustsvc.mail.outbox import circuit_breaker, send_suspension, unknown_deliveries
from trustsvc.shops import directory
from trustsvc.storage import db

sending_desk = Blueprint("invitations_desk", __name__)


@sending_desk.get("/desk/sending")
@access.requires("staff")
def show() -> str:
    """Show stops, the mail server's pause, shops that wait for a look, and letters in doubt."""
    with db.reading() as session:
        everyone = directory.all_shops(session)
        page = {
            "stops": send_suspension.stops(session),
            "left_alone": circuit_breaker.left_alone(session, clock.now()),
            "paused": volume_guard.paused_shops(session),
            "count": unknown_deliveries.count(session),
            "doubtful": unknown_deliveries.newest(session),
        }
    return render_template(
        "desk/sending.html",
        language=i18n.negotiate_language(request.headers.get("Accept-Language")),
        staff=g.staff,
        shops=everyone,
        here="sending",
        resends=config.current().resend,
        minute=_minute,
        **page,
    )


@sending_desk.post("/desk/sending/<slug>")
@access.requires("staff")
def go_on(slug: str) -> Response:
    """Let a paused shop's letters leave; twice does no harm. Raises NotFound."""
    with db.transaction() as session:
        directory.by_slug(session, slug)
        volume_guard.resume(session, slug, clock.now())
    return redirect("/desk/sending", 303)


def _minute(moment: datetime, zone: str = "UTC") -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
