"""WooCommerce: the REST order (v1 to v3, or the wrapped legacy v3), signed like Shopify's.

Facts: platforms.md 3. There is no retry and no paid or shipped topic, only a status. A delivery
id is not safe (one-second resolution), so an order is recognised by its own id only. The unsigned
ping is answered by orders/views.py before parsing.
"""

from collections.abc import Mapping
from datetime import datetime

from trustsvc.orders.platforms import fields, signature
from trustsvc.orders.received import Ignored, OrderReceived

TOPICS = {"order.created", "order.updated", "order.restored", "order.deleted"}
DRAFTS = {"draft", "auto-draft", "checkout-draft", "new"}
UNPAID = {"pending", "on-hold", "failed"}
SHIPPED = {"completed", "shipped", "delivered"}


def signed(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: datetime,  # noqa: ARG001 - the same signature for each platform
) -> bool:
    if not signature.is_long_enough(secret):
        return False
    expected = signature.hmac_base64(secret.encode("utf-8", "backslashreplace"), body)
    return signature.matches(expected, signature.header(headers, "x-wc-webhook-signature"))


def parse(headers: Mapping[str, str], body: bytes, now: datetime) -> OrderReceived | Ignored:
    """Read an order; raises Refused for what is not one."""
    tree = fields.tree(body)
    topic = signature.header(headers, "x-wc-webhook-topic").lower()
    if (topic and topic not in TOPICS) or set(tree) == {"action", "arg"}:
        return Ignored("unknown_topic")
    if isinstance(tree.get("order"), dict):  # legacy v3
        tree = tree["order"]
    known = fields.identity(tree, "id")
    if topic == "order.deleted" or set(tree) == {"id"}:
        return OrderReceived(known, now, cancelled_at=now)
    status = fields.word(tree, "status").removeprefix("wc-")
    if status in DRAFTS:
        return Ignored("draft")
    return _order(tree, known, status, now)


def _order(tree: fields.Tree, known: str, status: str, now: datetime) -> OrderReceived | Ignored:
    created = fields.moment(tree, now, "date_created_gmt", "date_created", "created_at")
    changed = fields.moment(tree, now, "date_modified_gmt", "date_modified", "updated_at")
    paid = fields.moment(tree, now, "date_paid_gmt", "date_paid")
    if not paid and fields.flag(tree, "payment_details.paid"):
        paid = created or now
    shipped = None
    if status in SHIPPED:
        done = fields.moment(tree, now, "date_completed_gmt", "date_completed", "completed_at")
        shipped = done or fields.estimate_shipment(created, changed, now)
    cancelled = (changed or now) if status in {"cancelled", "trash"} else None
    refunded = None
    if status == "refunded" or fields.rows(tree, "refunds"):
        refunded = changed or now
    order = OrderReceived(
        identity=known,
        created_at=now,
        reference=fields.text(tree, "number", "order_number", "id"),
        email=fields.email(tree, "billing.email", "billing_address.email", "customer.email"),
        name=_name(tree),
        locale=fields.locale({"value": _meta(tree, "wpml_language", "trp_language")}, "value"),
        consent=fields.flag({"value": _meta(tree, "trustsvc_consent")}, "value"),
        unpaid=status in UNPAID and not paid if status else None,
        paid_at=paid,
        shipped_at=shipped,
        delivered_at=shipped and (changed or shipped) if status == "delivered" else None,
        cancelled_at=cancelled,
        refunded_at=refunded,
    )
    return fields.finish(order, created)


def _name(tree: fields.Tree) -> str:
    for part in ("billing", "billing_address", "shipping", "shipping_address", "customer"):
        if name := fields.name(tree, f"{part}.first_name", f"{part}.last_name"):
            return name
    return ""


def _meta(tree: fields.Tree, *keys: str) -> str:
    """Read what plug-ins leave with an order (docs/how-to/woocommerce.md: `trustsvc_consent`)."""
    rows = {fields.text(row, "key"): row for row in fields.rows(tree, "meta_data")}
    return next((fields.text(rows[key], "value") for key in keys if key in rows), "")
