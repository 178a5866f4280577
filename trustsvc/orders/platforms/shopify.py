"""Shopify: the bare order, signed with base64 of HMAC-SHA256 over the raw body.

Documented at shopify.dev/docs/api/webhooks.

Webhooks made in the admin (Settings, Notifications) have a secret a shop; a
topic is in a header, of which there are two families (X-Shopify-* and shopify-*).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from trustsvc.errors import Refused
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.platforms import amounts, carrier_words, fields, shopify_order, signature
from trustsvc.orders.platforms.shopify_order import NO_PARCEL
from trustsvc.orders.received import (
    Ignored,
    OrderReceived,
    PrivacyRequestKind,
    PrivacyRequestReceived,
)

PRIVACY: Mapping[str, PrivacyRequestKind] = {
    "customers/data_request": PrivacyRequestKind.ACCESS,
    "customers/redact": PrivacyRequestKind.ERASE,
    "shop/redact": PrivacyRequestKind.ERASE_SHOP,
}
MAX_ORDERS = 1000
JUST_PACKED = {"", "confirmed", "label_printed", "label_purchased", "submitted"}


def signed(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: datetime,  # noqa: ARG001 - the same signature for each platform
) -> bool:
    return signature.is_hmac_of(body, secret, _header(headers, "hmac-sha256"))


def parse(
    headers: Mapping[str, str], body: bytes, now: datetime
) -> OrderReceived | PrivacyRequestReceived | Ignored:
    """Read an order, news about one, or a privacy request; raises Refused for what is neither."""
    tree = fields.tree(body)
    topic = _header(headers, "topic").lower() or _topic_of(tree)
    if fields.flag(tree, "test") or _header(headers, "test").lower() == "true":
        known = fields.text(tree, "id") if _is_order(tree) else ""
        return Ignored("test_order", identity=known)
    if topic.startswith("draft_orders/"):
        return Ignored("draft")
    privacy_request = _privacy(topic, tree)
    found = privacy_request or _read(topic, tree, headers, now)
    if isinstance(found, Ignored):
        return found
    delivery = _header(headers, "event-id") or _header(headers, "webhook-id")
    return replace(found, webhook_delivery_id=delivery or None)


def _read(
    topic: str, tree: fields.Tree, headers: Mapping[str, str], now: datetime
) -> OrderReceived | Ignored:
    family = topic if topic in OF_PARTS else f"{topic.partition('/')[0]}/"
    if family in OF_PARTS:
        part = OF_PARTS[family](tree, now)
        if isinstance(part, Ignored) or part.modified_at:
            return part
        triggered = fields.moment({"at": _header(headers, "triggered-at")}, now, "at")
        return replace(part, modified_at=triggered)
    if topic.startswith("orders/") and _is_order(tree):
        return shopify_order.parse(topic, tree, _header(headers, "triggered-at"), now)
    if topic in {"orders/create", "orders/paid", "orders/fulfilled", "orders/updated"}:
        raise Refused(fields.NOT_AN_ORDER)
    return Ignored("unknown_topic")


def _privacy(topic: str, tree: fields.Tree) -> PrivacyRequestReceived | None:
    """Shopify's mandatory webhooks; the shop they are about is the one whose secret signed them."""
    kind = PRIVACY.get(topic)
    if kind is None:
        return None
    if kind is PrivacyRequestKind.ERASE_SHOP:
        return PrivacyRequestReceived(kind)
    named = tree.get("orders_to_redact" if kind is PrivacyRequestKind.ERASE else "orders_requested")
    orders = tuple(
        known
        for one in (named if isinstance(named, list) else [])[:MAX_ORDERS]
        if (known := fields.text({"id": one}, "id").removeprefix("gid://shopify/Order/"))
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


def _deleted(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    return OrderReceived(fields.identity(tree, "id"), now, platform_status=PlatformStatus.CANCELLED)


def _refund(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    """Wait for the order itself, which tells whether all or a part of the money went back."""
    known = fields.identity(tree, "order_id")
    at = fields.moment(tree, now, "processed_at", "created_at") or now
    given = [
        row
        for row in fields.rows(tree, "transactions")
        if fields.word(row, "kind") in {"", "refund", "void"}
        and fields.word(row, "status") not in {"failure", "error"}
    ]
    if not amounts.total(given, "amount"):
        return OrderReceived(known, at)
    return OrderReceived(known, at, modified_at=at, platform_status=PlatformStatus.REFUND_OPEN)


def _fulfillment(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    """Read news of one parcel; whether the whole order left, only the order itself tells."""
    known = fields.identity(tree, "order_id")
    at = fields.moment(tree, now, "updated_at", "created_at") or now
    if fields.word(tree, "status") in NO_PARCEL:
        return OrderReceived(known, at, modified_at=at, fulfilled=False)
    status = fields.word(tree, "shipment_status")
    delivery = ParcelState.IN_TRANSIT if status in JUST_PACKED else carrier_words.state_of(status)
    if delivery is None:
        return OrderReceived(known, at)
    parcel = fields.text(tree, "id")
    return OrderReceived(
        known, at, modified_at=at, delivery=delivery, delivery_at=at, parcel=parcel
    )


def _fulfillment_event(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    """Read a carrier's event; one that is unknown changes nothing, and is logged."""
    known = fields.identity(tree, "order_id")
    at = fields.moment(tree, now, "happened_at", "created_at") or now
    delivery = carrier_words.state_of(fields.text(tree, "status"))
    if delivery is None:
        return OrderReceived(known, at)
    if fields.has_garbled_moment(tree, "happened_at"):
        return OrderReceived(known, at, modified_at=at, date_unreadable=True)
    parcel = fields.text(tree, "fulfillment_id")
    return OrderReceived(
        known, at, modified_at=at, delivery=delivery, delivery_at=at, parcel=parcel
    )


def _dispute(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    if "order_id" not in tree or not tree["order_id"]:
        return Ignored("unknown_topic")
    status = fields.word(tree, "status")
    dispute = PlatformStatus.DISPUTED
    if status in {"lost", "accepted", "charge_refunded"}:
        dispute = PlatformStatus.CHARGEBACK
    elif status in {"won", "prevented"}:
        dispute = PlatformStatus.OPEN
    known = fields.identity(tree, "order_id")
    return OrderReceived(known, now, dispute=dispute, claim=fields.text(tree, "id"))


def _return(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    known = fields.identity(tree, "order.id", "order_id", "order.admin_graphql_api_id")
    state = shopify_order.return_status(fields.text(tree, "status"))
    claim = fields.text(tree, "id", "admin_graphql_api_id")
    return OrderReceived(known, now, returns=state, claim=claim)


# Topics, and families of topics, whose body is not the order but a part of it.
OF_PARTS: Mapping[str, Callable[[fields.Tree, datetime], OrderReceived | Ignored]] = {
    "orders/delete": _deleted,
    "refunds/create": _refund,
    "fulfillments/create": _fulfillment,
    "fulfillments/update": _fulfillment,
    "fulfillment_events/create": _fulfillment_event,
    "disputes/": _dispute,
    "returns/": _return,
}
