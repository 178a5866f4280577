"""Standard Webhooks: our own generic endpoint, for any system that can sign a few lines of JSON.

Specification 1.0.0, with borders of our own: ±300 seconds, whole seconds only, at most eight
signatures, no full stop in ids. The reference library raises foreign exceptions on hostile input
and hashes with hashlib, so these lines are our own.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from trustsvc.errors import Refused
from trustsvc.orders import skip
from trustsvc.orders.platforms import (
    contact,
    fields,
    signature,
    standard_details,
    standard_fields,
    standard_money,
    standard_parcel,
    standard_words,
)
from trustsvc.orders.received import Ignored, OrderReceived

TOLERANCE_S = 300
MAX_SIGNATURES = 8
PEOPLE = ("customer", "buyer")


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
    """Read an order or news about one, liberally; names the field that is missing.

    Raises Refused where there is no order number.
    """
    tree = standard_fields.fold(fields.tree(body))
    kind = tree.get("type")
    if kind is not None and not isinstance(kind, str):
        raise Refused("The field type must be a text.")
    known_type = standard_words.normalised(kind.strip()) if kind else "order.updated"
    if known_type not in standard_words.TYPES:
        return _refusal(tree, now)
    data = _data(tree)
    if fields.flag(data, *standard_fields.TEST) or fields.flag(tree, *standard_fields.TEST):
        return Ignored("test_order", identity=_known(tree))
    states = _states(tree, data)
    meaning = standard_words.read(known_type, states)
    order = _order(tree, data, meaning, headers, now)
    if isinstance(order, Ignored) and order.reason == "no_address":
        return replace(order, field="data.email")
    return order


def _data(tree: fields.Tree) -> fields.Tree:
    """Give the order; what lies around it inside of data is its own, but for other numbers."""
    data = tree.get("data", tree)
    if not isinstance(data, dict):
        raise Refused("The field data must be an object.")
    inner = data.get("order")
    if not isinstance(inner, dict):
        return data
    outer = {name: value for name, value in data.items() if name not in standard_fields.REFERENCE}
    return outer | inner


def _states(tree: fields.Tree, data: fields.Tree) -> list[str]:
    """Give every state that is stated; `state` beside another may be that of an address."""
    outer = tree.get("data", tree)
    found = [
        (name, word)
        for holder in ((outer, data) if isinstance(outer, dict) and "order" in outer else (data,))
        for name in standard_fields.STATE
        if (word := fields.text(holder, name))
    ]
    is_known = [standard_words.is_known(word) for _, word in found]
    return [
        word
        for (name, word), known in zip(found, is_known, strict=True)
        if known or name != "state" or len(found) == 1
    ]


def _refusal(tree: fields.Tree, now: datetime) -> OrderReceived | Ignored:
    """Hear a no, or an erasure, in news of a type that is not known, too."""
    known = _known(tree)
    data = _data(tree) if known else {}
    consent, _ = standard_details.consent(standard_details.consent_levels(tree, data))
    is_anonymised = contact.is_anonymised(data, *standard_fields.EMAIL)
    if not known or not (consent is False or is_anonymised):
        return Ignored("unknown_topic", "type", known)
    changed = fields.moment(data, now, *standard_fields.MODIFIED_AT)
    return OrderReceived(
        known,
        now,
        modified_at=changed or _sent_at(tree, data, now),
        consent=consent if consent is False else None,
        is_anonymised=is_anonymised,
    )


def _known(tree: fields.Tree) -> str:
    """Give the order that an ignored body names, if any."""
    data = tree.get("data", tree)
    found = fields.text(data, "order.reference", *standard_fields.REFERENCE)
    return found if len(found) < fields.MAX_TEXT_LENGTH else ""


def _reference(data: fields.Tree) -> str:
    if not (known := fields.text(data, *standard_fields.REFERENCE)):
        raise Refused("The field data.reference is missing.")
    if len(known) >= fields.MAX_TEXT_LENGTH:  # a cut one could be another order's
        raise Refused("The field data.reference is too long.")
    return known


def _order(
    tree: fields.Tree,
    data: fields.Tree,
    meaning: standard_words.StateMeaning,
    headers: Mapping[str, str],
    now: datetime,
) -> OrderReceived | Ignored:
    sent_at = _sent_at(tree, data, now)

    def when(event: str) -> datetime | None:
        stated = fields.moment(data, now, *standard_fields.EVENT_AT[event])
        return stated or (sent_at if event in meaning.events else None)

    known = _reference(data)
    modified_at = fields.moment(data, now, *standard_fields.MODIFIED_AT) or sent_at
    # Other dates of the order are no time of this news.
    happened = (fields.moment(data, now, *standard_fields.EVENT_AT[one]) for one in meaning.events)
    delivered_at = when("delivered")
    delivery, estimated = standard_parcel.delivery(data, meaning, delivered_at)
    place = _place(data)
    consent, says_consent = standard_details.consent(standard_details.consent_levels(tree, data))
    order = OrderReceived(
        identity=known,
        created_at=now,
        modified_at=modified_at or fields.latest(happened),
        is_creation=meaning.is_creation,
        is_draft=meaning.is_draft,
        reference=known,
        is_whole=_names_buyer(data),
        email=contact.email(data, standard_fields.ORDER_EMAIL, standard_fields.EMAIL),
        name=_name(data),
        locale=place.locale,
        zone=place.zone,
        is_anonymised=contact.is_anonymised(data, *standard_fields.EMAIL),
        consent=consent,
        says_consent=says_consent,
        platform_status=standard_money.platform_status(data, meaning, now),
        dispute=meaning.dispute,
        returns=meaning.returns,
        paid=standard_money.paid(data, meaning),
        paid_at=when("paid"),
        fulfilled=standard_money.fulfilled(data, meaning, is_delivered=delivered_at is not None),
        shipped_at=when("shipped"),
        delivery=delivery,
        delivery_at=(delivered_at or sent_at) if delivery else None,
        estimated=estimated,
        details=_details(tree, data, meaning, now),
        webhook_delivery_id=signature.header(headers, "webhook-id") or None,
    )
    return fields.finish(order, when("created"))


def _sent_at(tree: fields.Tree, data: fields.Tree, now: datetime) -> datetime | None:
    stated = fields.moment(data, now, *standard_fields.MOMENT)
    return stated or fields.moment(tree, now, "timestamp")


def _details(
    tree: fields.Tree, data: fields.Tree, meaning: standard_words.StateMeaning, now: datetime
) -> dict[str, frozenset[str]]:
    total = standard_money.total(meaning)
    found = standard_details.details(data, meaning.events, total, now)
    if fields.has_garbled_moment(tree, "timestamp"):
        found["date_timestamp"] = frozenset({skip.DATE_UNREADABLE})
    return found


def _names_buyer(data: fields.Tree) -> bool:
    """Whether the body has a place for the address, also where it stands empty."""
    is_removed = any(name in data and data[name] is None for name in PEOPLE)
    return is_removed or any(
        standard_details.states_field(data, path) for path in standard_fields.EMAIL
    )


def _place(data: fields.Tree) -> contact.Place:
    return contact.place(
        [fields.text(data, path) for path in standard_fields.LANGUAGE],
        fields.text(data, *standard_fields.BILLED_TO),
        fields.text(data, *standard_fields.SENT_TO),
    )


def _name(data: fields.Tree) -> str:
    names = (contact.name(data, one, standard_fields.COMPANY) for one in standard_fields.NAME)
    return next(filter(None, names), "")
