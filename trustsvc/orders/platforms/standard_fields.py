"""Names of the standard endpoint's fields, with the aliases under which shops send them. Pure.

Names are snake_case here; `fold` turns the keys of a body into them. The published schema is made
from these tables (standard_schema.py).
"""

import re
from collections.abc import Mapping

from trustsvc.errors import Refused
from trustsvc.orders.platforms import fields
from trustsvc.orders.platforms.standard_words import normalised

MAX_DEPTH = 4  # data.order.customer.email
MAX_KEYS = 1000  # of one object
# Objects that hold fields. Others, such as PHP's and Java's dates, have keys of their own.
_HOLDER_NAMES = (
    "data order customer buyer billing billing_address invoice_address shipping shipping_address "
    "delivery_address refund totals attributes"
)
HOLDERS = frozenset(_HOLDER_NAMES.split())

REFERENCE = ("reference", "order_reference", "order_number", "order_id", "number", "id")
ORDER_EMAIL = ("email", "email_address")
EMAIL = (
    *ORDER_EMAIL,
    "customer.email",
    "customer.email_address",
    "customer_email",
    "buyer.email",
    "buyer.email_address",
    "billing.email",
    "billing_address.email",
)
# A name in one field, or in the parts of one person.
NAME = (
    ("name",),
    ("full_name",),
    ("customer.name",),
    ("customer.full_name",),
    ("customer_name",),
    ("buyer.name",),
    ("first_name", "last_name"),
    ("firstname", "lastname"),
    ("customer.first_name", "customer.last_name"),
    ("customer.firstname", "customer.lastname"),
    ("buyer.first_name", "buyer.last_name"),
    ("billing.first_name", "billing.last_name"),
    ("billing_address.first_name", "billing_address.last_name"),
    ("billing_address.name",),
)
COMPANY = (
    *("company", "company_name", "customer_company"),
    *(f"{holder}.company" for holder in ("customer", "buyer", "billing", "billing_address")),
    *(f"{holder}.company_name" for holder in ("customer", "buyer", "billing", "billing_address")),
)
LANGUAGE = (
    *("locale", "language", "lang", "language_code", "language.locale", "language.code"),
    *("customer.locale", "customer.language", "customer_locale", "customer.language_code"),
)
_COUNTRY = ("country", "country_code")
_BILLED = ("billing", "billing_address", "invoice_address", "customer")
_SENT = ("shipping", "shipping_address", "delivery_address")
BILLED_TO = (*_COUNTRY, *(f"{holder}.{name}" for holder in _BILLED for name in _COUNTRY))
SENT_TO = (*_COUNTRY, *(f"{holder}.{name}" for holder in _SENT for name in _COUNTRY))
STATE = ("state", "status", "order_status")
MOMENT = ("moment", "date", "occurred_at")
MODIFIED_AT = ("modified_at", "updated_at", "date_modified", "last_modified")
EVENT_AT: Mapping[str, tuple[str, ...]] = {
    "created": ("created_at", "ordered_at", "placed_at", "order_date", "date_created"),
    "paid": ("paid_at", "payment_date", "date_paid", "captured_at"),
    "shipped": ("shipped_at", "fulfilled_at", "completed_at", "date_shipped", "date_completed"),
    "delivered": ("delivered_at", "date_delivered"),
    "cancelled": ("cancelled_at", "canceled_at"),
    "refunded": ("refunded_at",),
}
DATES = tuple(name for names in EVENT_AT.values() for name in names)
CONSENT = (
    "consent",
    "may_ask",
    "trustsvc_consent",
    "customer.consent",
    "customer.may_ask",
    "attributes.consent",
    "attributes.may_ask",
)
DO_NOT_ASK = ("do_not_ask", "customer.do_not_ask", "attributes.do_not_ask")
TAGS = ("tags", "customer.tags")
# `amount` is the total, but in news of a refund what went back.
AMOUNT = "amount"
WHOLE = ("total", "total_price", "total_amount", "grand_total", "totals.total")
TOTAL = (*WHOLE, AMOUNT)
REFUNDED = (
    "refunded_amount",
    "refund_amount",
    "amount_refunded",
    "total_refunded",
    "refund.amount",
)
CHANNEL = ("channel", "source")
RENEWAL = (
    "renewal",
    "is_renewal",
    "subscription_renewal",
    "is_subscription_renewal",
)
PAID = ("paid", "is_paid")
PAYMENT_STATUS = ("payment_status", "financial_status")
FULFILLMENT_STATUS = (
    "fulfillment_status",
    "fulfilment_status",
    "shipping_status",
    "shipment_status",
)
TEST = ("test", "is_test")


def fold(tree: fields.Tree) -> fields.Tree:
    """Write the keys of a body in snake_case: orderNumber, OrderNumber and order-number alike.

    A key that is written so already counts before one that only becomes it. Raises Refused for an
    object of more than a thousand fields.
    """
    return _fold(tree, MAX_DEPTH)


def _fold(tree: fields.Tree, depth: int) -> fields.Tree:
    if len(tree) > MAX_KEYS:
        raise Refused(f"An object in the body has more than {MAX_KEYS} fields.")
    folded: fields.Tree = {}
    for key, value in sorted(tree.items(), key=lambda item: item[0] == normalised(item[0])):
        name = normalised(key)
        if isinstance(value, dict) and name in HOLDERS and depth > 1:
            folded[name] = _fold(value, depth - 1)
        else:
            folded[name] = value
    return folded


def camel(name: str) -> str:
    """Write a name in camelCase, as the schema lists it too."""
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)
