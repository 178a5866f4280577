"""Shopify's order resource: money, parcels, returns, and what it may be skipped for.

Documented as the Order of Shopify's REST Admin API. An order is fulfilled when all of it is.
"""

import re
from collections import Counter
from datetime import datetime

from trustsvc.orders.platform_status import NOT_DELIVERED, ParcelState, PlatformStatus
from trustsvc.orders.platforms import amounts, carrier_words, contact, fields, refusal
from trustsvc.orders.received import Ignored, OrderReceived

PAID = {"paid", "partially_refunded", "refunded"}
UNPAID = {"pending", "authorized", "partially_paid", "voided", "expired", "unpaid"}
NO_PARCEL = {"cancelled", "error", "failure"}
EMAIL = ("email", "contact_email")
CUSTOMER_EMAIL = ("customer.email",)
COMPANIES = ("billing_address.company", "customer.default_address.company", "company.name")
RETURNED = {"closed", "returned", "completed"}
NO_RETURN = {"", "declined", "canceled", "cancelled", "rejected", "no_return", "return_failed"}
TEST_GATEWAYS = {"bogus", "(for testing) bogus gateway"}
MARKETPLACES = {
    *("amazon", "ebay", "etsy", "walmart", "tiktok", "tiktokshop"),
    *("bol", "zalando", "otto", "kaufland"),
}
RENEWAL_TAGS = {  # of Recharge and of Appstle, and of apps that do as they do
    *("subscription recurring order", "appstle subscription recurring order"),
    *("manual subscription recurring order", "subscription recurring", "recurring order"),
    *("subscription renewal", "subscription renewal order"),
}


def parse(
    topic: str, tree: fields.Tree, triggered_at: str, now: datetime
) -> OrderReceived | Ignored:
    """Read an order as a webhook of this topic, or the API, gives it."""
    placed = (fields.moment(tree, now, name) for name in ("processed_at", "created_at"))
    created = min((moment for moment in placed if moment), default=None)
    changed = fields.latest(
        [
            fields.moment(tree, now, "updated_at"),
            fields.moment({"at": triggered_at}, now, "at"),
        ]
    )
    status = fields.word(tree, "financial_status")
    fulfilled, shipped_at = _fulfilment(topic, tree, created, now)
    delivery, delivery_at, parcel = _delivery(tree, now)
    paid = _is_paid(topic, tree, status)
    place = _place(tree)
    order = OrderReceived(
        identity=fields.identity(tree, "id"),
        created_at=now,
        modified_at=changed,
        is_creation=topic == "orders/create",
        reference=fields.text(tree, "name", "order_number", "id"),
        is_whole=contact.names_address(tree, EMAIL + CUSTOMER_EMAIL),
        email=contact.email(tree, EMAIL, CUSTOMER_EMAIL),
        name=_name(tree),
        locale=place.locale,
        zone=place.zone,
        is_anonymised=contact.is_anonymised(tree, "email", "contact_email", "customer.email"),
        consent=_consent(tree),
        says_consent="buyer_accepts_marketing" in tree,
        platform_status=_platform_status(topic, tree, status),
        returns=_returns(tree),
        paid=paid,
        # Only the payment's own topic tells when; the placing date is its stand-in.
        paid_at=changed if paid and topic == "orders/paid" else None,
        fulfilled=fulfilled,
        shipped_at=shipped_at,
        delivery=delivery,
        delivery_at=delivery_at,
        parcel=parcel,
        traits=_traits(tree),
        date_unreadable=_has_unreadable_date(tree, now),
    )
    return fields.finish(order, created)


def return_status(status: str) -> PlatformStatus:
    """Say what a return's status means: closed (the goods are back), declined, or still open."""
    word = carrier_words.written(status)
    if word in RETURNED:
        return PlatformStatus.RETURNED
    return PlatformStatus.OPEN if word in NO_RETURN else PlatformStatus.RETURN_OPEN


def _has_unreadable_date(tree: fields.Tree, now: datetime) -> bool:
    names = ("processed_at", "created_at", "updated_at")
    parcels = fields.rows(tree, "fulfillments")
    return fields.has_unreadable_moment(tree, now, *names) or any(
        fields.has_unreadable_moment(parcel, now, "created_at") for parcel in parcels
    )


def _is_paid(topic: str, tree: fields.Tree, status: str) -> bool | None:
    """Say whether the money came; a status that is empty or unknown is none that says so."""
    if status in PAID or (topic == "orders/paid" and status not in UNPAID):
        return True
    return False if "financial_status" in tree else None


def _platform_status(topic: str, tree: fields.Tree, status: str) -> PlatformStatus:
    if topic == "orders/cancelled" or fields.is_dated(tree, "cancelled_at"):
        return PlatformStatus.CANCELLED
    if status == "refunded" or _has_nothing_left_to_pay(tree, status):
        return PlatformStatus.REFUNDED
    return PlatformStatus.RETURNED if _is_all_returned(tree) else PlatformStatus.OPEN


def _has_nothing_left_to_pay(tree: fields.Tree, status: str) -> bool:
    """Whether a refund that is called partial gave all of it back."""
    left = amounts.amount(tree, "current_total_price")
    return status == "partially_refunded" and left == 0 and amounts.amount(tree, "total_price") != 0


def _is_all_returned(tree: fields.Tree) -> bool:
    """Whether goods came back, and none of the order is left with the buyer."""
    back: Counter[str] = Counter()
    for refund in fields.rows(tree, "refunds"):
        for row in fields.rows(refund, "refund_line_items"):
            if fields.word(row, "restock_type") == "return":
                back[fields.text(row, "line_item_id")] += int(amounts.amount(row, "quantity") or 0)
    items = [item for item in fields.rows(tree, "line_items") if _count(item, "quantity") != 0]
    return bool(back and items) and all(
        _count(item, "current_quantity") == 0
        or back[fields.text(item, "id")] >= (_count(item, "quantity") or 1)
        for item in items
    )


def _count(item: fields.Tree, name: str) -> int | None:
    count = amounts.amount(item, name)
    return None if count is None else int(count)


def _returns(tree: fields.Tree) -> PlatformStatus | None:
    """Read the returns, where the body tells them; a dispute is sent by topics of its own."""
    status = fields.text(tree, "return_status")
    if not status and not isinstance(tree.get("returns"), list):
        return None
    returns = {return_status(fields.text(row, "status")) for row in fields.rows(tree, "returns")}
    returns.add(return_status(status))
    worst_first = (PlatformStatus.RETURN_OPEN, PlatformStatus.RETURNED)
    return next((one for one in worst_first if one in returns), PlatformStatus.OPEN)


def _fulfilment(
    topic: str, tree: fields.Tree, created: datetime | None, now: datetime
) -> tuple[bool, datetime | None]:
    status = fields.word(tree, "fulfillment_status")
    every = fields.rows(tree, "fulfillments")
    parcels = [row for row in every if fields.word(row, "status") not in NO_PARCEL]
    is_all = status == "fulfilled" or (topic == "orders/fulfilled" and not status)
    if not is_all or (every and not parcels):
        return False, None
    shipped = fields.latest(fields.moment(row, now, "created_at") for row in parcels)
    return True, shipped or fields.estimate_shipment(
        created, fields.moment(tree, now, "updated_at"), now
    )


def _delivery(tree: fields.Tree, now: datetime) -> tuple[ParcelState | None, datetime | None, str]:
    """Say what the carriers say of all parcels, or of the one that was not delivered.

    Goods that are back in stock did not arrive. A parcel that left before the others, or that was
    cancelled, tells that this shop reports its parcels.
    """
    every = fields.rows(tree, "fulfillments")
    parcels = [row for row in every if fields.word(row, "status") not in NO_PARCEL]
    status = fields.word(tree, "fulfillment_status")
    if status == "restocked":
        return ParcelState.FAILED, fields.moment(tree, now, "updated_at") or now, ""
    found = [carrier_words.state_of(fields.text(row, "shipment_status")) for row in parcels]
    times = [fields.moment(row, now, "updated_at", "created_at") for row in parcels]
    bad = [number for number, one in enumerate(found) if one in NOT_DELIVERED]
    if len(bad) == 1:
        return found[bad[0]], times[bad[0]], fields.text(parcels[bad[0]], "id")
    worst = carrier_words.worst(found)
    if worst and worst is not ParcelState.IN_TRANSIT:
        return worst, fields.latest(times), ""
    if every and (status == "partial" or not parcels):
        announced = fields.latest(fields.moment(row, now, "created_at") for row in every)
        return (ParcelState.IN_TRANSIT, announced, "") if announced else (None, None, "")
    return None, None, ""


def _name(tree: fields.Tree) -> str:
    for whose in ("customer", "billing_address"):  # a parcel may go to somebody else
        parts = (f"{whose}.first_name", f"{whose}.last_name")
        if found := contact.name(tree, parts, COMPANIES):
            return found
    return ""


def _place(tree: fields.Tree) -> contact.Place:
    languages = [fields.text(tree, "customer_locale"), fields.text(tree, "customer.locale")]
    billed = fields.text(tree, "billing_address.country_code", "billing_address.country")
    sent_to = fields.text(tree, "shipping_address.country_code", "shipping_address.country")
    return contact.place(languages, billed or sent_to, sent_to or billed)


def _consent(tree: fields.Tree) -> bool | None:
    """Read consent: a note of the shop, else that the buyer accepts marketing.

    Shopify writes `buyer_accepts_marketing: false` for whoever was not asked: that is no refusal.
    """
    noted = refusal.in_notes(fields.pairs(tree, "note_attributes"))
    if noted is False or refusal.in_tags(_tags(tree)):
        return False
    return True if noted or fields.flag(tree, "buyer_accepts_marketing") else None


def _tags(tree: fields.Tree) -> set[str]:
    return fields.tags(tree, "tags", "customer.tags")


def _traits(tree: fields.Tree) -> frozenset[str]:
    """Say what a shop may have the order skipped for (docs/how-to/skip.md)."""
    source = fields.word(tree, "source_name")
    items = fields.rows(tree, "line_items")
    gateways = fields.tags(tree, "payment_gateway_names")
    tags = _tags(tree)
    found = {
        "renewal": source.startswith("subscription_contract")
        or any(re.sub("[ _-]+", " ", tag) in RENEWAL_TAGS for tag in tags),
        "pos": source == "pos",
        "draft": source == "shopify_draft_order",
        "test-gateway": not TEST_GATEWAYS.isdisjoint(gateways | {fields.word(tree, "gateway")}),
        "zero-total": amounts.amount(tree, "total_price") == 0,
        "gift-card": bool(items) and all(fields.flag(item, "gift_card") for item in items),
        "wholesale": isinstance(tree.get("company"), dict) or "wholesale" in tags,
        "marketplace": re.split("[^a-z]", source)[0] in MARKETPLACES,
    }
    names = {name for name, holds in found.items() if holds}
    return frozenset(names | {f"tag:{tag}" for tag in tags})
