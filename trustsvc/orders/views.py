"""Webhook endpoint of orders: find the shop, verify the signature, parse, store."""

import contextlib
import re
from datetime import datetime

from flask import Blueprint, Response, g, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from trustsvc import clock
from trustsvc.errors import Unauthorised, Unavailable, WebhookDeliveryConflict
from trustsvc.http import access
from trustsvc.http.request_body import raw_body
from trustsvc.orders import accept, intake, privacy_requests, webhook_delivery_log
from trustsvc.orders.platforms import PLATFORMS, standard_schema
from trustsvc.orders.received import Ignored, PrivacyRequestReceived
from trustsvc.orders.webhook_health import answers, counters
from trustsvc.shops import directory
from trustsvc.shops.webhook_auth import WrongSignature, authenticate, endpoint_shop_id
from trustsvc.storage import db

order_webhooks = Blueprint("orders", __name__)
order_documents = Blueprint("order_documents", __name__)

# WooCommerce sends this, unsigned, when a webhook is saved; it wants a 200 and nothing else.
PING = re.compile(rb"webhook_id=[0-9]{1,20}")


@order_webhooks.post("/webhooks/<platform>/<endpoint_id>", provide_automatic_options=False)
@access.requires("signature")
def receive(platform: str, endpoint_id: str) -> tuple[Response, int]:
    """Receive an order; docs/reference/webhook-answers.md specifies the answers."""
    body = raw_body()
    if platform == "woocommerce" and PING.fullmatch(body):
        return _json("ignored", "ping"), 200
    now = clock.now()
    headers = dict(request.headers.items())
    shop = _authenticate((platform, endpoint_id), headers, body, now)
    g.shop_id = shop.id
    order = PLATFORMS[platform].parse(headers, body, now)
    if isinstance(order, Ignored):
        if order.identity:
            with db.transaction() as session:
                webhook_delivery_log.log_ignored(session, shop.id, order, now)
        return _json("ignored", order.reason, order.field), 200
    if isinstance(order, PrivacyRequestReceived):
        g.answer = "privacy_request"
        with db.transaction() as session:
            is_new = privacy_requests.accept_from_platform(session, shop, order, body, now)
        return _json("accepted" if is_new else "duplicate"), 202 if is_new else 200
    result = intake.submit(accept.incoming_order(shop, order, body), now)
    if result.status == "conflict":
        raise WebhookDeliveryConflict
    code = 202 if result.status == "accepted" else 200
    return _json(result.status, result.reason, result.field), code


def _authenticate(
    route: tuple[str, str], headers: dict[str, str], body: bytes, now: datetime
) -> directory.Shop:
    platform, endpoint_id = route
    # An unknown platform takes as long as a wrong signature.
    signed = PLATFORMS.get(platform, PLATFORMS["standard"]).signed
    if "\x00" in endpoint_id or "\x00" in platform:  # PostgreSQL text cannot hold NUL
        raise Unauthorised
    try:
        with db.reading() as session:
            return authenticate(
                session,
                platform,
                endpoint_id,
                lambda secret: signed(headers, body, secret, now),
                now,
            )
    except WrongSignature as wrong:
        g.shop_id = wrong.shop_id
        raise
    except (SQLAlchemyError, OSError):
        raise Unavailable from None


@order_webhooks.after_request
def _count(response: Response) -> Response:
    """Count the delivery for its shop, whatever the answer; only the memory of the process."""
    answer = g.get("answer") if response.status_code < 400 else None
    answer = answer or answers.of_status(response.status_code)
    if answer == answers.TOO_LARGE:
        g.shop_id = _whose_endpoint()
    counters.count(clock.now(), g.get("shop_id", counters.NO_SHOP), answer)
    return response


def _whose_endpoint() -> int:
    route = request.view_args or {}
    with contextlib.suppress(SQLAlchemyError, OSError), db.reading() as session:
        if "\x00" not in request.path:
            return endpoint_shop_id(session, **route) or counters.NO_SHOP
    return counters.NO_SHOP


def _json(status: str, reason: str | None = None, field: str = "") -> Response:
    g.setdefault("answer", answers.of_success(status, reason))
    answer = {"status": status, "reason": reason, "field": field}
    return jsonify({name: value for name, value in answer.items() if value})


@order_documents.get("/schemas/order-1.json", provide_automatic_options=False)
@access.requires("public")
def order_schema() -> Response:
    """Publish the JSON Schema of what the standard webhook endpoint takes."""
    response = Response(standard_schema.as_json(), mimetype="application/schema+json")
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.headers["Access-Control-Allow-Origin"] = "*"  # for editors and checkers in a browser
    response.add_etag()
    response.make_conditional(request)
    return response
