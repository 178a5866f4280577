"""Shopify: the bare order, signed with base64 of HMAC-SHA256 over the raw body.

Facts: platforms.md 2. Webhooks made in the admin (Settings, Notifications) have a secret a shop; a
topic is in a header, of which there are two families (X-Shopify-* and shopify-*).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from trustsvc.errors import Refused
from trustsvc.orders.platforms import fields, signature
from trustsvc.orders.received import Ignored, OrderReceived, PrivacyRequestReceived

UNPAID = {"pending", "partially_paid", "voided", "expired"}
REFUNDED = {"refunded", "partially_refunded"}
ON_ITS_WAY = {
    "in_transit",
    "out_for_delivery",
    "picked_up",
    "carrier_picked_up",
    "ready_for_pickup",
}
PRIVACY: Mapping[str, Literal["access", "erase", "erase_shop"]] = {
    "customers/data_request": "access",
    "customers/redact": "erase",
    "shop/redact": "erase_shop",
}
MAX_ORDERS = 1000
NO_PARCEL = {"cancelled", "error", "failure"}


def signed(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: datetime,  # noqa: ARG001 - the same signature for each platform
) -> bool:
    if not signature.is_long_enough(secret):
        return False
    expected = signature.hmac_base64(secret.encode("utf-8", "backslashreplace"), body)
    return signature.matches(expected, _header(headers, "hmac-sha256"))


def parse(
    headers: Mapping[str, str], body: bytes, now: datetime
) -> OrderReceived | PrivacyRequestReceived | Ignored:
    """Read an order, an update of one, or a privacy request; raises Refused for what is neither."""
    tree = fields.tree(body)
    topic = _header(headers, "topic").lower() or _topic_of(tree)
    if fields.flag(tree, "test") or _header(headers, "test").lower() == "true":
        return Ignored("test_order")
    if topic.startswith("draft_orders/"):
        return Ignored("draft")
    privacy_request = _privacy(topic, tree)
    received = privacy_request or _read(topic, tree, headers, now)
    if isinstance(received, Ignored):
        return received
    delivery = _header(headers, "event-id") or _header(headers, "webhook-id")
    return replace(received, delivery_id=delivery or None)


def _read(
    topic: str, tree: fields.Tree, headers: Mapping[str, str], now: datetime
) -> OrderReceived | Ignored:
    if topic == "orders/delete":
        return OrderReceived(fields.identity(tree, "id"), now, cancelled_at=now)
    if topic == "refunds/create":
        refunded = fields.moment(tree, now, "processed_at", "created_at") or now
        return OrderReceived(fields.identity(tree, "order_id"), refunded, refunded_at=refunded)
    if topic in {"fulfillments/create", "fulfillments/update"}:
        return _fulfillment(tree, now)
    if topic == "fulfillment_events/create":
        return _parcel(tree, now)
    if topic.startswith("orders/") and _is_order(tree):
        return _order(topic, tree, headers, now)
    if topic in {"orders/create", "orders/paid", "orders/fulfilled", "orders/updated"}:
        raise Refused(fields.NOT_AN_ORDER)
    return Ignored("unknown_topic")


def _privacy(topic: str, tree: fields.Tree) -> PrivacyRequestReceived | None:
    """Shopify's mandatory webhooks; the shop they are about is the one whose secret signed them."""
    kind = PRIVACY.get(topic)
    if kind is None:
        return None
    if kind == "erase_shop":
        return PrivacyRequestReceived(kind)
    named = tree.get("orders_to_redact" if kind == "erase" else "orders_requested")
    orders = tuple(
        known
        for one in (named if isinstance(named, list) else [])[:MAX_ORDERS]
        if (known := fields.text({"id": one}, "id"))
    )
    email = fields.email(tree, "customer.email")
    if not email and not orders:
        raise Refused("The body names neither a customer nor an order.")
    return PrivacyRequestReceived(kind, email, orders)


def _header(headers: Mapping[str, str], name: str) -> str:
    return signature.header(headers, f"x-shopify-{name}", f"shopify-{name}")


def _is_order(tree: fields.Tree) -> bool:
    return "id" in tree and bool({"order_number", "financial_status", "line_items"} & set(tree))


def _topic_of(tree: fields.Tree) -> str:
    if "order_id" not in tree:
        return "orders/create"
    if "refund_line_items" in tree:
        return "refunds/create"
    return "fulfillment_events/create" if "happened_at" in tree else "fulfillments/create"


def _order(
    topic: str, tree: fields.Tree, headers: Mapping[str, str], now: datetime
) -> OrderReceived | Ignored:
    created = fields.moment(tree, now, "processed_at", "created_at")
    triggered = fields.moment({"at": _header(headers, "triggered-at")}, now, "at")
    changed = triggered or fields.moment(tree, now, "updated_at")
    status = fields.word(tree, "financial_status")
    shipped, delivered = _parcels(topic, tree, created, now)
    paid = None
    if topic == "orders/paid" or status == "paid" or status in REFUNDED:
        paid = (changed if topic == "orders/paid" else None) or created or now
    cancelled = fields.moment(tree, now, "cancelled_at")
    if not cancelled and (topic == "orders/cancelled" or fields.text(tree, "cancelled_at")):
        cancelled = changed or now
    refunds = (fields.moment(row, now, "created_at") for row in fields.rows(tree, "refunds"))
    order = OrderReceived(
        identity=fields.identity(tree, "id"),
        created_at=now,
        reference=fields.text(tree, "name", "order_number", "id"),
        email=fields.email(tree, "email", "contact_email", "customer.email"),
        name=_name(tree),
        locale=fields.locale(tree, "customer_locale"),
        consent=fields.flag(tree, "buyer_accepts_marketing"),
        unpaid=status in UNPAID and not paid and not shipped if status else None,
        paid_at=paid,
        shipped_at=shipped,
        delivered_at=delivered,
        cancelled_at=cancelled,
        refunded_at=(fields.latest(refunds) or changed or now) if status in REFUNDED else None,
    )
    return fields.finish(order, created)


def _name(tree: fields.Tree) -> str:
    for part in ("customer", "billing_address", "shipping_address"):
        if name := fields.name(tree, f"{part}.first_name", f"{part}.last_name"):
            return name
    return ""


def _parcels(
    topic: str, tree: fields.Tree, created: datetime | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Say when all of it was shipped and delivered: a part of an order is not yet an experience."""
    if topic != "orders/fulfilled" and fields.word(tree, "fulfillment_status") != "fulfilled":
        return None, None
    every = fields.rows(tree, "fulfillments")
    parcels = [row for row in every if fields.word(row, "status") not in NO_PARCEL]
    shipped = fields.latest(fields.moment(row, now, "created_at") for row in parcels)
    changed = fields.moment(tree, now, "updated_at")
    delivered = None
    if parcels and all(fields.word(row, "shipment_status") == "delivered" for row in parcels):
        delivered = fields.latest(fields.moment(row, now, "updated_at") for row in parcels)
    return shipped or fields.estimate_shipment(created, changed, now), delivered


def _fulfillment(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    known = fields.identity(tree, "order_id")
    if fields.word(tree, "status") in NO_PARCEL:
        return Ignored("unknown_topic")
    shipped = fields.moment(tree, now, "created_at") or now
    delivered = None
    if fields.word(tree, "shipment_status") == "delivered":
        delivered = fields.moment(tree, now, "updated_at") or now
    return OrderReceived(known, shipped, shipped_at=shipped, delivered_at=delivered)


def _parcel(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    known = fields.identity(tree, "order_id")
    happened = fields.moment(tree, now, "happened_at", "created_at") or now
    status = fields.word(tree, "status")
    if status == "delivered":
        return OrderReceived(known, happened, delivered_at=happened)
    if status in ON_ITS_WAY:
        return OrderReceived(known, happened, shipped_at=happened)
    return Ignored("unknown_topic")
