"""Standard Webhooks: our own generic endpoint, for any system that can sign a few lines of JSON.

Specification 1.0.0, with borders of our own: ±300 seconds, whole seconds only, at most eight
signatures, no full stop in ids. The reference library raises foreign exceptions on hostile input
and hashes with hashlib, so these lines are our own.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from trustsvc.errors import Refused
from trustsvc.orders.platform_status import ParcelState
from trustsvc.orders.platforms import (
    contact,
    fields,
    refusal,
    signature,
    standard_details,
    standard_fields,
    standard_money,
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
        return Ignored("unknown_topic", field="type")
    data = _data(tree)
    if fields.flag(data, *standard_fields.TEST) or fields.flag(tree, *standard_fields.TEST):
        return Ignored("test_order")
    state = fields.text(data, *standard_fields.STATE)
    if state.lower() == "draft":
        return Ignored("draft")
    order = _order(tree, data, standard_words.read(known_type, state), headers, now)
    if isinstance(order, Ignored) and order.reason == "no_address":
        return replace(order, field="data.email")
    return order


def _data(tree: fields.Tree) -> fields.Tree:
    """Give the order; of what lies around it inside of data, dates and buyer are its own."""
    data = tree.get("data", tree)
    if not isinstance(data, dict):
        raise Refused("The field data must be an object.")
    inner = data.get("order")
    if not isinstance(inner, dict):
        return data
    dates = (*standard_fields.MOMENT, *standard_fields.MODIFIED_AT, *standard_fields.DATES)
    return {name: data[name] for name in (*dates, *PEOPLE) if name in data} | inner


def _holders(tree: fields.Tree, data: fields.Tree) -> list[fields.Tree]:
    """Give all levels at which a no may stand."""
    outer = tree.get("data")
    return [tree, *([outer] if isinstance(outer, dict) else []), data]


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
    sent_at = fields.moment(data, now, *standard_fields.MOMENT) or fields.moment(
        tree, now, "timestamp"
    )

    def when(event: str) -> datetime | None:
        stated = fields.moment(data, now, *standard_fields.EVENT_AT[event])
        return stated or (sent_at if event in meaning.events else None)

    known = _reference(data)
    modified_at = fields.moment(data, now, *standard_fields.MODIFIED_AT) or sent_at
    # Other dates of the order are no time of this news.
    happened = (fields.moment(data, now, *standard_fields.EVENT_AT[one]) for one in meaning.events)
    delivered_at = when("delivered")
    delivery = meaning.delivery or (ParcelState.DELIVERED if delivered_at else None)
    place = _place(data)
    consent, says_consent = _consent(_holders(tree, data))
    order = OrderReceived(
        identity=known,
        created_at=now,
        modified_at=modified_at or fields.latest(happened),
        is_creation=meaning.is_creation,
        reference=known,
        is_whole=_names_buyer(data),
        email=fields.email(data, *standard_fields.EMAIL),
        name=_name(data),
        locale=place.locale,
        zone=place.zone,
        is_anonymised=contact.is_anonymised(data, *standard_fields.EMAIL),
        consent=consent,
        says_consent=says_consent,
        platform_status=standard_money.platform_status(data, meaning),
        dispute=meaning.dispute,
        returns=meaning.returns,
        paid=standard_money.paid(data, meaning),
        paid_at=when("paid"),
        fulfilled=standard_money.fulfilled(data, meaning, is_delivered=delivered_at is not None),
        shipped_at=when("shipped"),
        delivery=delivery,
        delivery_at=(delivered_at or sent_at) if delivery else None,
        details=_details(data, meaning, now),
        delivery_id=signature.header(headers, "webhook-id") or None,
    )
    return fields.finish(order, when("created"))


def _details(
    data: fields.Tree, meaning: standard_words.StateMeaning, now: datetime
) -> dict[str, frozenset[str]]:
    total = standard_money.total(meaning)
    return standard_details.details(data, meaning.events, total, now)


def _names_buyer(data: fields.Tree) -> bool:
    """Whether the body has a place for the address, also where it stands empty."""
    is_removed = any(name in data and data[name] is None for name in PEOPLE)
    return is_removed or any(_has(data, path) for path in standard_fields.EMAIL)


def _place(data: fields.Tree) -> contact.Place:
    return contact.place(
        [fields.text(data, path) for path in standard_fields.LANGUAGE],
        fields.text(data, *standard_fields.BILLED_TO),
        fields.text(data, *standard_fields.SENT_TO),
    )


def _consent(holders: Sequence[fields.Tree]) -> tuple[bool | None, bool]:
    """Read consent and may_ask, and whether they are stated: a no counts, wherever it stands."""
    given = [refusal.answer(one, path) for one in holders for path in standard_fields.CONSENT]
    refused = any(fields.flag(one, path) for one in holders for path in standard_fields.DO_NOT_ASK)
    is_tagged = any(refusal.in_tags(standard_details.tags(one)) for one in holders)
    if refused or False in given or is_tagged:
        return False, True
    is_stated = any(_has(one, path) for one in holders for path in standard_fields.CONSENT)
    return (True if True in given else None), is_stated


def _has(data: fields.Tree, path: str) -> bool:
    """Whether a field stands in the body, also where it is null."""
    above, _, key = path.rpartition(".")
    holder = fields.at(data, above) if above else data
    return isinstance(holder, dict) and key in holder


def _name(data: fields.Tree) -> str:
    return next(
        (found for parts in standard_fields.NAME if (found := fields.name(data, *parts))), ""
    )
