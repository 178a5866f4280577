"""Lightspeed eCom (C-Series): an order with its customer and shipments inside, in PHP's types.

Facts: platforms.md 4. Signed with hex of MD5(raw body + secret), which is weak, so the unguessable
endpoint counts as a second proof. PHP writes false for nothing and "" for empty, which the readers
take as missing. There is no delivery id and no date of shipment that can be relied on.
"""

from collections.abc import Mapping
from datetime import datetime

from trustsvc.errors import Refused
from trustsvc.orders.platforms import fields, signature
from trustsvc.orders.received import Ignored, OrderReceived

OTHER_ROOTS = {
    "customer",
    "invoice",
    "product",
    "quote",
    "review",
    "shipment",
    "subscription",
    "ticket",
    "variant",
}
SHIPPED = {"completed_shipped", "completed_picked_up", "completed"}


def signed(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: datetime,  # noqa: ARG001 - the same signature for each platform
) -> bool:
    """Compare an MD5, because that is how this platform signs; we use MD5 for nothing else."""
    if not signature.is_long_enough(secret):
        return False
    expected = signature.md5_hex(body + secret.encode("utf-8", "backslashreplace"))
    return signature.matches(expected, signature.header(headers, "x-signature").lower())


def parse(headers: Mapping[str, str], body: bytes, now: datetime) -> OrderReceived | Ignored:
    """Read an order; raises Refused for what is not one."""
    tree = fields.tree(body)
    order = tree.get("order")
    if order is None and OTHER_ROOTS & set(tree):
        return Ignored("unknown_topic")
    if not isinstance(order, dict):
        raise Refused(fields.NOT_AN_ORDER)
    known = fields.identity(order, "id")
    if signature.header(headers, "x-event").lower() == "orders/deleted":
        return OrderReceived(known, now, cancelled_at=now)
    return _order(order, known, now)


def _order(order: fields.Tree, known: str, now: datetime) -> OrderReceived | Ignored:
    created = fields.moment(order, now, "createdAt")
    changed = fields.moment(order, now, "updatedAt")
    status = fields.word(order, "status")
    payment = fields.word(order, "paymentStatus")
    shipped = None
    if status in SHIPPED or fields.word(order, "shipmentStatus") == "shipped":
        stated = fields.moment(order, now, "shippingDate")
        shipped = stated or fields.estimate_shipment(created, changed, now)
    paid = fields.estimate_shipment(created, changed, now) if payment == "paid" else None
    received = OrderReceived(
        identity=known,
        created_at=now,
        reference=fields.text(order, "number", "id"),
        email=fields.email(order, "email", "customer.resource.embedded.email"),
        name=fields.name(order, "firstname", "middlename", "lastname"),
        locale=fields.locale(order, "language.locale", "language.code"),
        consent=_consent(order),
        unpaid=payment == "not_paid" and not shipped if payment else None,
        paid_at=paid,
        shipped_at=shipped,
        delivered_at=shipped if status == "completed_picked_up" else None,
        cancelled_at=(changed or now) if status.startswith("cancelled") else None,
        refunded_at=(changed or now) if _is_refunded(order, payment) else None,
    )
    return fields.finish(received, created)


def _consent(order: fields.Tree) -> bool | None:
    return fields.flag(order, "newsletterSubscribed")


def _is_refunded(order: fields.Tree, payment: str) -> bool:
    invoices = fields.rows(order, "invoices.resource.embedded")
    products = fields.rows(order, "products.resource.embedded")
    return (
        payment == "refunded"
        or any(fields.flag(invoice, "isCreditNote") for invoice in invoices)
        or any(_was_returned(product) for product in products)
    )


def _was_returned(product: fields.Tree) -> bool:
    counts = (product.get("quantityRefunded"), product.get("quantityReturned"))
    return any(isinstance(count, int) and count > 0 for count in counts)
