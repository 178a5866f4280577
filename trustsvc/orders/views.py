"""The webhook door: which shop, is it signed, what does it say, is it on disk; in that order."""

import re
import time
from datetime import datetime

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from trustsvc import clock
from trustsvc.errors import Duplicate, TooLarge, Unauthorised, Unavailable
from trustsvc.http import access
from trustsvc.orders import accept, intake, privacy_requests
from trustsvc.orders.platforms import PLATFORMS
from trustsvc.orders.received import Ignored, PrivacyRequestReceived
from trustsvc.shops import directory
from trustsvc.shops.webhook_auth import authenticate
from trustsvc.storage import db

order_webhooks = Blueprint("orders", __name__)

MAX_BYTES = 256 * 1024
READ_PAST_BYTES = 64 * 1024 * 1024
READ_PAST_S = 5.0
PIECE = 64 * 1024
# WooCommerce sends this, unsigned, when a webhook is saved; it wants a 200 and nothing else.
PING = re.compile(rb"webhook_id=[0-9]{1,20}")


@order_webhooks.post("/webhooks/<platform>/<door>", provide_automatic_options=False)
@access.requires("signature")
def receive(platform: str, door: str) -> tuple[Response, int]:
    """Take an order in; docs/reference/webhook-answers.md promises the answers and their order."""
    body = raw_body()
    if platform == "woocommerce" and PING.fullmatch(body):
        return _say("ignored", "ping"), 200
    now = clock.now()
    headers = dict(request.headers.items())
    shop = _recognise((platform, door), headers, body, now)
    order = PLATFORMS[platform].parse(headers, body, now)
    if isinstance(order, Ignored):
        return _say("ignored", order.reason), 200
    if isinstance(order, PrivacyRequestReceived):
        with db.transaction() as session:
            is_new = privacy_requests.accept_from_platform(session, shop, order, body, now)
        return _say("accepted" if is_new else "duplicate"), 202 if is_new else 200
    answer = intake.submit(accept.incoming_order(shop, order, body), now)
    if answer.status == "conflict":
        raise Duplicate
    return _say(answer.status, answer.reason), 202 if answer.status == "accepted" else 200


def raw_body() -> bytes:
    """Read the raw bytes; raises TooLarge for more than there may be, said beforehand or not.

    One byte more is asked for, because what comes without a length is cut off at the limit. What is
    too much is read past, within bounds: who is still sending when the connection closes never sees
    the answer.
    """
    request.max_content_length = MAX_BYTES + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        body = b" " * (MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        _read_past()
        raise TooLarge
    return body


def _read_past() -> None:
    if not request.environ.get("wsgi.input_terminated"):
        return
    end = time.monotonic() + READ_PAST_S
    for _ in range(READ_PAST_BYTES // PIECE):
        if not request.environ["wsgi.input"].read(PIECE) or time.monotonic() > end:
            return


def _recognise(
    place: tuple[str, str], headers: dict[str, str], body: bytes, now: datetime
) -> directory.Shop:
    platform, door = place
    # A platform we do not know costs as much as a signature that does not match.
    signed = PLATFORMS.get(platform, PLATFORMS["standard"]).signed
    if "\x00" in door or "\x00" in platform:  # PostgreSQL has no text with a NUL in it
        raise Unauthorised
    try:
        with db.reading() as session:
            return authenticate(
                session,
                platform,
                door,
                lambda secret: signed(headers, body, secret, now),
                now,
            )
    except (SQLAlchemyError, OSError):
        raise Unavailable from None


def _say(status: str, reason: str | None = None) -> Response:
    return jsonify(status=status, reason=reason) if reason else jsonify(status=status)
