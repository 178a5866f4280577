"""Standard Webhooks: our own generic endpoint, for any system that can sign a few lines of JSON.

Specification 1.0.0, with limits of our own: ±300 seconds, whole seconds only, at most eight
signatures, no full stop in ids. The reference library raises other exceptions on hostile input
and hashes with hashlib, so these lines are our own.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime

from trustsvc.errors import Refused
from trustsvc.orders.platforms import fields, signature
from trustsvc.orders.received import Ignored, OrderReceived

TOLERANCE_S = 300
MAX_SIGNATURES = 8
EVENTS = ("created", "paid", "shipped", "delivered", "cancelled", "refunded")
TYPES = {f"order.{event}": event for event in (*EVENTS, "updated")} | {
    "order.canceled": "cancelled",
    "order.fulfilled": "shipped",
    "order.placed": "created",
}
UNPAID = {"unpaid", "pending", "on-hold", "on_hold", "failed", "awaiting_payment"}
ALIASES = {"canceled": "cancelled", "completed": "shipped", "fulfilled": "shipped"}


def key_of(secret: str) -> bytes:
    """Turn a secret, with or without whsec_, into its key; empty when it is too short."""
    plain = secret.strip().removeprefix("whsec_")
    if not signature.is_long_enough(plain):
        return b""
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return plain.encode("utf-8", "backslashreplace")


def signed(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> bool:
    key = key_of(secret)
    message = signature.header(headers, "webhook-id")
    seconds = signature.header(headers, "webhook-timestamp")
    given = signature.header(headers, "webhook-signature").split(" ", MAX_SIGNATURES)
    if not key or not message or "." in message or not re.fullmatch("[0-9]{1,12}", seconds):
        return False
    if len(given) > MAX_SIGNATURES or abs(int(now.timestamp()) - int(seconds)) > TOLERANCE_S:
        return False
    head = f"{message}.{seconds}.".encode("utf-8", "backslashreplace")
    expected = b"v1," + signature.hmac_base64(key, head + body)
    # All are compared, so that the time says nothing.
    matches = [signature.matches(expected, candidate) for candidate in given]
    return any(matches)


def parse(headers: Mapping[str, str], body: bytes, now: datetime) -> OrderReceived | Ignored:
    """Read an order or an update of one, liberally; raises Refused without an order number."""
    tree = fields.tree(body)
    kind = tree.get("type")
    if kind is not None and not isinstance(kind, str):
        raise Refused(fields.NOT_AN_ORDER)
    if kind and kind.strip().lower() not in TYPES:
        return Ignored("unknown_topic")
    event = TYPES[kind.strip().lower()] if kind else "updated"
    data = _data(tree)
    if fields.flag(data, "test") or fields.flag(tree, "test"):
        return Ignored("test_order")
    status = fields.word(data, "state", "status")
    if status == "draft":
        return Ignored("draft")
    return _order(tree, data, (event, ALIASES.get(status, status)), headers, now)


def _data(tree: fields.Tree) -> fields.Tree:
    for path in ("data.order", "data", "order"):
        order = fields.at(tree, path)
        if isinstance(order, dict):
            return order
    if "data" in tree:
        raise Refused(fields.NOT_AN_ORDER)
    return tree


def _order(
    tree: fields.Tree,
    data: fields.Tree,
    event_and_status: tuple[str, str],
    headers: Mapping[str, str],
    now: datetime,
) -> OrderReceived | Ignored:
    _, status = event_and_status
    sent_at = fields.moment(data, now, "moment", "date") or fields.moment(tree, now, "timestamp")
    known = fields.identity(data, "reference", "order_reference", "order_number", "number", "id")

    def moment_of(event: str, *names: str) -> datetime | None:
        stated = fields.moment(data, now, f"{event}_at", *names)
        return stated or ((sent_at or now) if event in event_and_status else None)

    paid, shipped = moment_of("paid"), moment_of("shipped", "fulfilled_at")
    order = OrderReceived(
        identity=known,
        created_at=now,
        reference=known,
        email=fields.email(data, "email", "customer.email", "buyer.email", "customer_email"),
        name=_name(data),
        locale=fields.locale(data, "locale", "language", "customer.locale"),
        consent=fields.flag(data, "consent", "may_ask"),
        unpaid=status in UNPAID and not paid and not shipped if status else None,
        paid_at=paid,
        shipped_at=shipped,
        delivered_at=moment_of("delivered"),
        cancelled_at=moment_of("cancelled", "canceled_at"),
        refunded_at=moment_of("refunded"),
        delivery_id=signature.header(headers, "webhook-id") or None,
    )
    return fields.finish(order, moment_of("created", "ordered_at"))


def _name(data: object) -> str:
    for parts in (
        ("name",),
        ("customer.name",),
        ("buyer.name",),
        ("first_name", "last_name"),
        ("customer.first_name", "customer.last_name"),
    ):
        if name := fields.name(data, *parts):
            return name
    return ""
