"""The desk's page on sending: what keeps e-mails from leaving, and the unknown deliveries."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from trustsvc import clock, config, i18n
from trustsvc.http import access
from trustsvc.invitations.models import invitations, message_of_invitation
from trustsvc.invitations.planning import volume_guard
from trustsvc.mail.outbox import circuit_breaker, relay_rate, send_suspension, unknown_deliveries
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import UNKNOWN
from trustsvc.orders.models import orders
from trustsvc.shops import directory
from trustsvc.shops.models import shops
from trustsvc.staff import desk_reading
from trustsvc.storage import db

MAX_LISTED = 100

sending_desk = Blueprint("invitations_desk", __name__)


@dataclass(frozen=True, slots=True)
class UnknownDelivery:
    """A message by its shop and order; the reference while it is known, never an address."""

    order_id: int
    reference: str | None = field(repr=False)
    shop: str
    zone: str
    kind: str
    at: datetime
    resent: int


@sending_desk.get("/desk/sending")
@access.requires("staff")
@desk_reading.reads
def show() -> str:
    """Show suspensions, circuit breaker, relay rate, paused shops, and unknown deliveries."""
    with db.reading() as session:
        everyone = directory.all_shops(session)
        page = {
            "suspensions": send_suspension.stops(session),
            "breaker_open_until": circuit_breaker.open_until(session, clock.now()),
            "relay_rate": relay_rate.learnt(session, clock.now()),
            "paused": volume_guard.paused_shops(session),
            "count": unknown_deliveries.count(session),
            "unknown": newest_unknown(session),
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
def resume(slug: str) -> Response:
    """Let a paused shop's messages leave; twice does no harm. Raises NotFound."""
    with db.transaction() as session:
        directory.by_slug(session, slug)
        volume_guard.resume(session, slug, clock.now())
    return redirect("/desk/sending", 303)


def newest_unknown(session: Session, limit: int = MAX_LISTED) -> list[UnknownDelivery]:
    columns = (
        orders.c.id,
        orders.c.reference,
        shops.c.name,
        shops.c.zone,
        messages.c.kind,
        messages.c.sent_at,
        messages.c.resent,
    )
    rows = session.execute(
        select(*columns)
        .join_from(messages, invitations, message_of_invitation)
        .join(orders, orders.c.id == invitations.c.order_id)
        .join(shops, shops.c.id == invitations.c.shop_id)
        .where(messages.c.state == UNKNOWN)
        .order_by(messages.c.sent_at.desc())
        .limit(limit)
    )
    return [UnknownDelivery(*row) for row in rows]


def _minute(moment: datetime, zone: str = "UTC") -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
