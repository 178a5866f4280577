"""Lightspeed eCom (C-Series): an order with its customer and shipments inside, in PHP's types.

Documented at developers.lightspeedhq.com/ecom.

Signed with hex of MD5(raw body + secret), which is weak, so the unguessable
endpoint counts as a second proof. PHP writes false for nothing and "" for empty, which the readers
take as missing. There is no delivery id and no date of shipment that can be relied on.
"""

from collections.abc import Mapping
from datetime import datetime

from trustsvc.errors import Refused
from trustsvc.orders.platform_status import ENDED, PlatformStatus
from trustsvc.orders.platforms import (
    amounts,
    contact,
    fields,
    lightspeed_parcel,
    refusal,
    signature,
    standard_words,
)
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
EMAIL = ("email",)
CUSTOMER_EMAIL = ("customer.resource.embedded.email",)
PAID = {"paid", "refunded", "partially_refunded"}
USUAL = {"", "new", "open", "pending", "processing", "completed"}
USUAL |= lightspeed_parcel.SHIPPED | lightspeed_parcel.PARTLY_SHIPPED
MARKETPLACES = {"amazon", "bol", "ebay", "etsy", "kaufland", "otto", "zalando"}


def signed(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: datetime,  # noqa: ARG001 - the same signature for each platform
) -> bool:
    """MD5 because that is how this platform signs; nothing of ours is kept by it."""
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
        return OrderReceived(known, now, platform_status=PlatformStatus.CANCELLED)
    return _order(order, known, now)


def _order(order: fields.Tree, known: str, now: datetime) -> OrderReceived | Ignored:
    created = fields.moment(order, now, "createdAt")
    changed = fields.moment(order, now, "updatedAt")
    status = fields.word(order, "status")
    payment = fields.word(order, "paymentStatus")
    shipped_at = stated = None
    fulfilled = lightspeed_parcel.is_fulfilled(order, status)
    if fulfilled:
        stated = fields.moment(order, now, "shippingDate")
        shipped_at = stated or fields.estimate_shipment(created, changed, now)
    paid = payment in PAID if payment else None
    country = fields.text(order, "addressShippingCountry.code", "addressBillingCountry.code")
    billed = fields.text(order, "addressBillingCountry.code")
    named = ("language.locale", "language.code", "language", "language.title")
    languages = [fields.text(order, path) for path in named]
    place = contact.place(languages, billed or country, country)
    delivery = lightspeed_parcel.delivery(order, status)
    received = OrderReceived(
        identity=known,
        created_at=now,
        modified_at=changed,
        reference=fields.text(order, "number", "id"),
        is_whole=contact.names_address(order, EMAIL + CUSTOMER_EMAIL),
        email=contact.email(order, EMAIL, CUSTOMER_EMAIL),
        name=contact.name(order, ("firstname", "middlename", "lastname"), ("companyName",)),
        locale=place.locale,
        zone=place.zone,
        is_anonymised=contact.is_anonymised(order, "email"),
        consent=_consent(order),
        says_consent="newsletterSubscribed" in order,
        platform_status=_platform_status(order, status, payment),
        returns=_returns(order),
        paid=paid,
        paid_at=fields.estimate_shipment(created, changed, now) if paid else None,
        fulfilled=fulfilled,
        shipped_at=shipped_at,
        delivery=delivery,
        delivery_at=lightspeed_parcel.delivery_at(delivery, shipped_at, changed or now),
        traits=_traits(order),
        estimated=lightspeed_parcel.estimated(delivery, is_stated=stated is not None),
        date_unreadable=fields.has_unreadable_moment(order, now, "createdAt", "shippingDate")
        or fields.has_garbled_moment(order, "updatedAt"),
    )
    return fields.finish(received, created)


def _platform_status(order: fields.Tree, status: str, payment: str) -> PlatformStatus:
    if status.startswith("cancelled") or fields.word(order, "shipmentStatus") == "cancelled":
        return PlatformStatus.CANCELLED
    if payment == "refunded":
        return PlatformStatus.REFUNDED
    stated = [_meaning(status), _meaning(fields.word(order, "shipmentStatus"))]
    if (money := _meaning(payment)) in {PlatformStatus.CHARGEBACK, PlatformStatus.DISPUTED}:
        stated.append(money)
    ended = [one for one in stated if one in ENDED]
    waits = [one for one in stated if one in {PlatformStatus.DISPUTED, PlatformStatus.RETURN_OPEN}]
    if ended or waits:
        return (ended or waits)[0]
    if lightspeed_parcel.shipment(order) == "on_hold":
        return PlatformStatus.ON_HOLD
    if status in USUAL or status.startswith(("processing_", "completed_")):
        return PlatformStatus.OPEN
    return PlatformStatus.ON_HOLD if status == "on_hold" else PlatformStatus.OTHER_STATUS


def _meaning(word: str) -> PlatformStatus | None:
    """Give what a word says of the whole order: the words of the standard endpoint."""
    known = standard_words.STATES.get(standard_words.normalised(word))
    return known.platform_status if known else None


def _returns(order: fields.Tree) -> PlatformStatus | None:
    """Say whether all of the goods, or of the money, went back; a part of them ends nothing.

    A body that only links its invoices or products says nothing about them.
    """
    listed = [fields.at(order, f"{one}.resource.embedded") for one in ("invoices", "products")]
    has_links = any(
        isinstance(order.get(one), dict) and not isinstance(rows, list)
        for one, rows in zip(("invoices", "products"), listed, strict=True)
    )
    says_all = any(isinstance(rows, list) for rows in listed) and not has_links
    return _all_back(order) or (PlatformStatus.OPEN if says_all else None)


def _all_back(order: fields.Tree) -> PlatformStatus | None:
    products = fields.rows(order, "products.resource.embedded")
    for key, platform_status in (
        ("quantityReturned", PlatformStatus.RETURNED),
        ("quantityRefunded", PlatformStatus.REFUNDED),
    ):
        if products and all(_is_back(product, key) for product in products):
            return platform_status
    credited = [
        invoice
        for invoice in fields.rows(order, "invoices.resource.embedded")
        if fields.flag(invoice, "isCreditNote")
    ]
    back = amounts.total(credited, "priceIncl", "total")
    if credited and not back:
        return PlatformStatus.REFUND_OPEN
    return (
        PlatformStatus.REFUNDED
        if amounts.is_all(back, amounts.amount(order, "priceIncl"))
        else None
    )


def _is_back(product: fields.Tree, key: str) -> bool:
    count, ordered = amounts.amount(product, key), amounts.amount(product, "quantityOrdered")
    return bool(count) and count is not None and count >= (ordered or count)


def _consent(order: fields.Tree) -> bool | None:
    """Read consent; a buyer without the newsletter has not refused to be asked."""
    if refusal.in_tags(_tags(order)):
        return False
    return True if fields.flag(order, "newsletterSubscribed") else None


def _tags(order: fields.Tree) -> set[str]:
    return fields.tags(order, "tags", "memo")


def _traits(order: fields.Tree) -> frozenset[str]:
    """Say what a shop may have the order skipped for (docs/how-to/skip.md)."""
    found = {
        "pos": fields.word(order, "channel") == "pos",
        "zero-total": amounts.amount(order, "priceIncl") == 0,
        "wholesale": bool(fields.text(order, "companyVatNumber")),
        "marketplace": fields.word(order, "channel") in MARKETPLACES,
    }
    names = {name for name, holds in found.items() if holds}
    return frozenset(names | {f"tag:{tag}" for tag in _tags(order)})
