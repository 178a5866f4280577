"""The desk's page on the shops: what their webhooks brought, alarms, and what to do."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request

from trustsvc import clock, i18n
from trustsvc.http import access
from trustsvc.orders.webhook_health import summary
from trustsvc.staff import desk_reading
from trustsvc.storage import db

webhook_desk = Blueprint("webhook_desk", __name__)


@webhook_desk.get("/desk/shops")
@access.requires("staff")
@desk_reading.reads
def show() -> str:
    """Show each shop's last delivery, last order, answers in seven days, and its alarm."""
    with db.reading() as session:
        found = summary.of_all_shops(session, clock.now())
    return render_template(
        "desk/shops.html",
        language=i18n.negotiate_language(request.headers.get("Accept-Language")),
        staff=g.staff,
        shops=[one.shop for one in found],
        found=sorted(found, key=lambda one: one.trouble is None),
        minute=_minute,
    )


def _minute(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
