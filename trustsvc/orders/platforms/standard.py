"""Standard Webhooks: our own generic endpoint, for any system that can sign a few lines of JSON.

Specification 1.0.0, with borders of our own: ±300 seconds, whole seconds only, at most eight
signatures, no full stop in ids. The reference library raises foreign exceptions on hostile input
and hashes with hashlib, so these lines are our own.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime

from trustsvc.errors import Refused
from trustsvc.orders.platforms import amounts, contact, fields, signature, standard_words
from trustsvc.orders.received import Ignored, OrderReceived
from trustsvc.orders.standing import ParcelState, Standing

TOLERANCE_S = 300
MAX_SIGNATURES = 8
EVENTS = ("created", "paid", "shipped", "delivered", "cancelled", "refunded")
SENT_AT = ("moment", "date", "occurred_at")
MODIFIED_AT = ("modified_at", "updated_at")
DATES = (*(f"{event}_at" for event in EVENTS), "ordered_at", "fulfilled_at")
LANGUAGES = ("locale", "language", "customer.locale", "customer.language")
EMAILS = ("email", "customer.email", "buyer.email", "customer_email")
NAMES = (
    ("name",),
    ("customer.name",),
    ("buyer.name",),
    ("first_name", "last_name"),
    ("customer.first_name", "customer.last_name"),
)
STATED_ENDS = {
    ("cancelled_at", "canceled_at"): Standing.CANCELLED,
    ("refunded_at",): Standing.REFUNDED,
}
REFUSAL_TAGS = {"do-not-ask", "do_not_ask"}
TRAIT_TAGS = {"pos", "wholesale", "gift-card", "marketplace", "test-gateway"}


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
    matches = [
        signature.matches(expected, one) for one in given
    ]  # all, so that the time says nothing
    return any(matches)


def parse(headers: Mapping[str, str], body: bytes, now: datetime) -> OrderReceived | Ignored:
    """Read an order or news about one, liberally; raises Refused where there is no order number."""
    tree = fields.tree(body)
    kind = tree.get("type")
    if kind is not None and not isinstance(kind, str):
        raise Refused(fields.NOT_AN_ORDER)
    known_type = kind.strip().lower() if kind else "order.updated"
    if known_type not in standard_words.TYPES:
        return Ignored("unknown_topic")
    data = _data(tree)
    if fields.flag(data, "test") or fields.flag(tree, "test"):
        return Ignored("test_order")
    status = fields.word(data, "state", "status")
    if status == "draft":
        return Ignored("draft")
    said = standard_words.read(known_type, status)
    return _order(tree, data, said, headers, now)


def _data(tree: fields.Tree) -> fields.Tree:
    for path in ("data.order", "data", "order"):
        found = fields.at(tree, path)
        if isinstance(found, dict):
            return found
    if "data" in tree:
        raise Refused(fields.NOT_AN_ORDER)
    return tree


def _order(
    tree: fields.Tree,
    data: fields.Tree,
    said: standard_words.Said,
    headers: Mapping[str, str],
    now: datetime,
) -> OrderReceived | Ignored:
    sent_at = fields.moment(data, now, *SENT_AT) or fields.moment(tree, now, "timestamp")
    known = fields.identity(data, "reference", "order_reference", "order_number", "number", "id")

    def when(event: str, *names: str) -> datetime | None:
        stated = fields.moment(data, now, f"{event}_at", *names)
        return stated or (sent_at if event in said.events else None)

    modified_at = fields.moment(data, now, *MODIFIED_AT) or sent_at
    paid_at, shipped_at = when("paid"), when("shipped", "fulfilled_at")
    delivered_at = when("delivered")
    delivery = said.delivery or (ParcelState.DELIVERED if delivered_at else None)
    place = contact.place(
        [fields.text(data, path) for path in LANGUAGES],
        fields.text(data, "country", "billing.country", "billing_address.country"),
        fields.text(data, "country", "shipping.country", "shipping_address.country"),
    )
    order = OrderReceived(
        identity=known,
        created_at=now,
        modified_at=modified_at or fields.latest(fields.moment(data, now, one) for one in DATES),
        is_creation=said.is_creation,
        reference=known,
        is_whole=_names_buyer(data),
        email=fields.email(data, *EMAILS),
        name=_name(data),
        locale=place.locale,
        zone=place.zone,
        is_anonymised=contact.is_anonymised(data, *EMAILS),
        consent=_consent(data),
        standing=_standing(data, said),
        paid=said.paid,
        paid_at=paid_at,
        fulfilled=True if delivered_at and said.fulfilled is None else said.fulfilled,
        shipped_at=shipped_at,
        delivery=delivery,
        delivery_at=(delivered_at or sent_at) if delivery else None,
        traits=_traits(data),
        date_unreadable=any(
            fields.has_unreadable_moment(data, now, name) for name in (*SENT_AT, *DATES)
        ),
        delivery_id=signature.header(headers, "webhook-id") or None,
    )
    return fields.finish(order, when("created", "ordered_at"))


def _names_buyer(data: fields.Tree) -> bool:
    """Whether the body has a place for the address, also where it stands empty."""
    return any(
        isinstance(holder, dict) and key in holder
        for path in EMAILS
        for above, _, key in [path.rpartition(".")]
        for holder in [fields.at(data, above) if above else data]
    )


def _standing(data: fields.Tree, said: standard_words.Said) -> Standing | None:
    """Read the standing; a refund of a stated part of the total ends nothing."""
    stated = [
        standing
        for names, standing in STATED_ENDS.items()
        if any(fields.text(data, name) for name in names)
    ]
    standing = stated[0] if stated else said.standing
    if standing is not Standing.REFUNDED:
        return standing
    back = amounts.amount(data, "refunded_amount", "refund.amount", "amount_refunded")
    whole = amounts.amount(data, "total", "total_price", "amount")
    if back is None or whole is None or amounts.is_all(back, whole):
        return Standing.REFUNDED
    return Standing.OPEN


def _consent(data: fields.Tree) -> bool | None:
    """Read consent and may_ask: a no counts whatever else is said."""
    given = [fields.flag(data, name) for name in ("consent", "may_ask")]
    if False in given or not _tags(data).isdisjoint(REFUSAL_TAGS):
        return False
    return True if True in given else None


def _tags(data: fields.Tree) -> set[str]:
    tags = data.get("tags")
    listed = tags if isinstance(tags, list) else str(tags or "").split(",")
    return {str(tag).strip().casefold() for tag in listed if str(tag).strip()}


def _traits(data: fields.Tree) -> frozenset[str]:
    """Say what a shop may have the order skipped for (docs/how-to/skip.md)."""
    found = {
        "renewal": fields.flag(data, "renewal", "is_renewal") is True,
        "pos": fields.word(data, "channel", "source") == "pos",
        "marketplace": fields.word(data, "channel", "source") == "marketplace",
        "zero-total": amounts.amount(data, "total", "total_price") == 0,
    }
    names = {name for name, holds in found.items() if holds}
    tags = _tags(data)
    return frozenset(names | {f"tag:{tag}" for tag in tags} | (tags & TRAIT_TAGS))


def _name(data: fields.Tree) -> str:
    for parts in NAMES:
        if found := fields.name(data, *parts):
            return found
    return ""
