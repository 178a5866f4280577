"""Webhook endpoint of orders, and the schema of the standard one.

Most webhooks are answered by webhook_server.py before Flask sees them.
"""

import contextlib

from flask import Blueprint, Response, g, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from trustsvc import clock
from trustsvc.http import access
from trustsvc.http.request_body import raw_body
from trustsvc.orders import webhook, webhook_server
from trustsvc.orders.platforms import standard_schema
from trustsvc.orders.webhook_health import answers, counters
from trustsvc.shops.webhook_auth import endpoint_shop_id
from trustsvc.storage import db

order_webhooks = Blueprint("orders", __name__)
order_documents = Blueprint("order_documents", __name__)


@order_webhooks.post("/webhooks/<platform>/<endpoint_id>", provide_automatic_options=False)
@access.requires("signature")
def receive(platform: str, endpoint_id: str) -> tuple[Response, int]:
    """Receive an order; docs/reference/webhook-answers.md specifies the answers."""
    failed = webhook_server.failure(request.environ)
    if failed:
        g.shop_id = failed.shop_id
        try:
            raise failed.error
        finally:
            del failed
    received = webhook.WebhookRequest(
        platform, endpoint_id, dict(request.headers.items()), raw_body()
    )
    try:
        answer = webhook.receive(received, clock.now())
    finally:
        g.shop_id = received.shop_id
    g.answer = answer.counted_as
    return jsonify(answer.as_json()), answer.code


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
