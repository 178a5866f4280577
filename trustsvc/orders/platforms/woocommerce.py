"""WooCommerce: the REST order (v1 to v3, or the wrapped legacy v3), signed like Shopify's.

Documented at developer.woocommerce.com, REST API and webhooks.

There is no retry and no paid or shipped topic: the order itself tells. A
delivery id is not safe (one-second resolution), so the body stands for it. The unsigned ping is
answered by orders/webhook.py before parsing.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.platforms import (
    amounts,
    contact,
    fields,
    signature,
    woocommerce_meta,
    woocommerce_tracking,
)
from trustsvc.orders.received import Ignored, OrderReceived

TOPICS = {"order.created", "order.updated", "order.restored", "order.deleted"}
DRAFTS = {"draft", "auto-draft", "checkout-draft", "new"}
UNPAID = {"pending", "on-hold", "failed"}  # only where no field tells of money
SHIPPED = {"completed", "shipped", "delivered"}
PARTLY_SHIPPED = {"partial-shipped", "partially-shipped"}
# Any other status is the shop's own, and says that the order left its usual course.
STANDINGS = (
    dict.fromkeys(("pending", "processing", *SHIPPED, *PARTLY_SHIPPED), PlatformStatus.OPEN)
    | dict.fromkeys(("cancelled", "trash"), PlatformStatus.CANCELLED)
    | dict.fromkeys(("on-hold", "failed"), PlatformStatus.ON_HOLD)
    | {"refunded": PlatformStatus.REFUNDED, "": PlatformStatus.OPEN}
)
FULFILMENT_META = "_fulfillment_status"  # WooCommerce's order fulfilments
PARTLY_FULFILLED = {"partially_fulfilled", "partly_fulfilled", "partial"}
EMAIL = ("billing.email", "billing_address.email")
CUSTOMER_EMAIL = ("customer.email",)
DATES = (
    *("date_created_gmt", "date_created", "created_at", "date_paid_gmt", "date_paid"),
    *("date_completed_gmt", "date_completed", "completed_at"),
)
CHANGES = ("date_modified_gmt", "date_modified", "updated_at")
LANGUAGE_META = (
    "wpml_language",
    "_wpml_language",
    "trp_language",
    "weglot_language",
    "_weglot_language",
    "pll_language",
    "_pll_language",
    "lang",
    "locale",
)
COMPANIES = ("billing.company", "billing_address.company", "customer.company")
A_SECOND = timedelta(seconds=1)
WP_ERROR = {"code", "message", "data", "additional_errors", "additional_data"}


def signed(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: datetime,  # noqa: ARG001 - the same signature for each platform
) -> bool:
    return signature.is_hmac_of(body, secret, signature.header(headers, "x-wc-webhook-signature"))


def parse(headers: Mapping[str, str], body: bytes, now: datetime) -> OrderReceived | Ignored:
    """Read an order; raises Refused for what is not one."""
    tree = fields.tree(body)
    topic = signature.header(headers, "x-wc-webhook-topic").lower()
    if (topic and topic not in TOPICS) or set(tree) == {"action", "arg"}:
        return Ignored("unknown_topic")
    if is_error(tree):
        return Ignored("platform_error")
    if isinstance(order := tree.get("order"), dict):  # legacy v3
        tree = order
    known = fields.identity(tree, "id")
    if topic == "order.deleted" or set(tree) == {"id"}:
        return OrderReceived(known, now, platform_status=PlatformStatus.CANCELLED)
    status = fields.word(tree, "status").removeprefix("wc-")
    if status in DRAFTS:
        changed = fields.moment(tree, now, "date_modified_gmt", "date_modified", "updated_at")
        status_of_shop = PlatformStatus.OTHER_STATUS
        return OrderReceived(
            known, now, modified_at=changed, platform_status=status_of_shop, is_draft=True
        )
    return _order(tree, known, status, topic, now)


def is_error(tree: fields.Tree) -> bool:
    """Whether this is a WP_Error of the REST API, of any code, or one of the legacy API.

    WooCommerce signs and sends it when the WordPress user who saved the webhook is deleted or may
    not read orders: woocommerce/woocommerce issues 37806, 26926 and 18695.
    """
    if set(tree) <= {"errors", "http_status"}:
        return bool(tree) and isinstance(tree.get("errors"), dict | list) and bool(tree["errors"])
    code = tree.get("code")
    return isinstance(code, str) and bool(code) and set(tree) <= WP_ERROR and "message" in tree


def _order(
    tree: fields.Tree, known: str, status: str, topic: str, now: datetime
) -> OrderReceived | Ignored:
    created = fields.moment(tree, now, "date_created_gmt", "date_created", "created_at")
    changed = fields.moment(tree, now, "date_modified_gmt", "date_modified", "updated_at")
    paid, paid_at = _payment(tree, status, created, now)
    noted = woocommerce_meta.notes(tree)
    sent = _fulfilment(tree, noted, status, (created, changed), now)
    country = fields.text(tree, "shipping.country", "billing.country", "billing_address.country")
    languages = [
        fields.text(tree, "lang", "locale"),
        *(noted.texts.get(key, "") for key in LANGUAGE_META),
    ]
    place = contact.place(languages, fields.text(tree, "billing.country") or country, country)
    order = OrderReceived(
        identity=known,
        created_at=now,
        modified_at=changed,
        reference=fields.text(tree, "number", "order_number", "id"),
        is_whole=contact.names_address(tree, EMAIL + CUSTOMER_EMAIL),
        email=contact.email(tree, EMAIL, CUSTOMER_EMAIL),
        name=_name(tree),
        locale=place.locale,
        zone=place.zone,
        is_anonymised=contact.is_anonymised(tree, *EMAIL)
        or fields.flag(noted.texts, "_anonymized") is True,
        consent=woocommerce_meta.consent(tree, noted),
        says_consent=True,
        platform_status=_platform_status(tree, status),
        # That it was restored is news of this moment, whenever the order was changed before, and
        # later than the deletion, which has no time of its own.
        platform_status_at=now + A_SECOND if topic == "order.restored" else None,
        webhook_delivery_id=_restored_id(known, changed) if topic == "order.restored" else None,
        paid=paid,
        paid_at=paid_at,
        fulfilled=sent.is_all,
        shipped_at=sent.at,
        delivery=sent.delivery,
        delivery_at=sent.delivery_at,
        estimated=frozenset({"delivery", *(["fulfilment"] if sent.is_estimate else [])}),
        traits=woocommerce_meta.traits(tree, noted),
        date_unreadable=fields.has_unreadable_moment(tree, now, *DATES)
        or fields.has_garbled_moment(tree, *CHANGES)
        or woocommerce_tracking.has_garbled_date(woocommerce_tracking.notes(tree)),
    )
    return fields.finish(order, created)


def _restored_id(known: str, changed: datetime | None) -> str | None:
    """Recognise a restored order that comes again: its time is that of arrival, so it would win."""
    return f"restored {known} {changed.isoformat()}" if changed else None


def _payment(
    tree: fields.Tree, status: str, created: datetime | None, now: datetime
) -> tuple[bool | None, datetime | None]:
    """Say whether the money came, by the fields of money; by the status where there are none."""
    paid_at = fields.moment(tree, now, "date_paid_gmt", "date_paid")
    if fields.flag(tree, "needs_payment") or status == "pending":
        return False, None
    if paid_at or fields.flag(tree, "payment_details.paid"):
        return True, paid_at or created
    if amounts.amount(tree, "total") == 0:
        return True, created
    if {"date_paid_gmt", "date_paid", "needs_payment"} & set(tree):
        return False, None
    return (status not in UNPAID, None) if status else (None, None)


def _fulfilment(
    tree: fields.Tree,
    noted: woocommerce_meta.Notes,
    status: str,
    dates: tuple[datetime | None, datetime | None],
    now: datetime,
) -> woocommerce_tracking.Sent:
    """Say whether all of it left, and when, and what became of it on its way."""
    created, changed = dates
    at = changed or now
    sent = _sent(tree, noted, status, (fields.estimate_shipment(created, changed, now), at), now)
    carried = woocommerce_tracking.carried(woocommerce_tracking.notes(tree))
    stated = ParcelState.DELIVERED if status == "delivered" else carried
    return replace(sent, delivery=stated, delivery_at=at) if stated else sent


def _sent(
    tree: fields.Tree,
    noted: woocommerce_meta.Notes,
    status: str,
    dates: tuple[datetime, datetime],
    now: datetime,
) -> woocommerce_tracking.Sent:
    """Read that it is completed, or what a fulfilment plug-in wrote."""
    estimate, changed = dates
    fulfilment = noted.texts.get(FULFILMENT_META, "").lower()
    if status in PARTLY_SHIPPED or fulfilment in PARTLY_FULFILLED:
        return woocommerce_tracking.Sent.part(changed)
    if status in SHIPPED:
        done = fields.moment(tree, now, "date_completed_gmt", "date_completed", "completed_at")
        return woocommerce_tracking.Sent(True, done or estimate, is_estimate=done is None)
    if FULFILMENT_META in noted.texts:
        is_all = fulfilment == "fulfilled"
        return woocommerce_tracking.Sent(is_all, estimate if is_all else None, is_estimate=True)
    return woocommerce_tracking.sent(tree, dates, now)


def _platform_status(tree: fields.Tree, status: str) -> PlatformStatus:
    platform_status = STANDINGS.get(status, PlatformStatus.OTHER_STATUS)
    refunds = fields.rows(tree, "refunds")
    if platform_status in {PlatformStatus.CANCELLED, PlatformStatus.REFUNDED} or not refunds:
        return platform_status
    back = amounts.total(refunds, "total", "amount")
    if amounts.is_all(back, amounts.amount(tree, "total")):
        return PlatformStatus.REFUNDED
    return platform_status


def _name(tree: fields.Tree) -> str:
    for whose in ("billing", "billing_address", "customer"):  # a parcel may go to somebody else
        parts = (f"{whose}.first_name", f"{whose}.last_name")
        if found := contact.name(tree, parts, COMPANIES):
            return found
    return ""
