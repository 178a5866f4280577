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
from trustsvc.orders.platforms import (
    amounts,
    contact,
    fields,
    signature,
    standard_fields,
    standard_words,
)
from trustsvc.orders.received import Ignored, OrderReceived
from trustsvc.orders.standing import ParcelState, Standing

TOLERANCE_S = 300
MAX_SIGNATURES = 8
STATED_ENDS = {"cancelled": Standing.CANCELLED, "refunded": Standing.REFUNDED}
REFUSALS = {"denied", "refused", "declined", "withdrawn", "revoked", "opted_out", "opted-out"}
REFUSAL_TAGS = {"do-not-ask", "do_not_ask"}
TRAITS = {"pos", "draft", "wholesale", "gift-card", "marketplace", "test-gateway"}  # tag or channel


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
    """Give the order; of what lies around it inside of data, only the dates are its own."""
    data = tree.get("data", tree)
    if not isinstance(data, dict):
        raise Refused("The field data must be an object.")
    inner = data.get("order")
    if not isinstance(inner, dict):
        return data
    dates = (*standard_fields.MOMENT, *standard_fields.MODIFIED_AT, *standard_fields.DATES)
    return {name: data[name] for name in dates if name in data} | inner


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
    # The moment of the event itself; other dates of the order are no time of this news.
    happened = (fields.moment(data, now, *standard_fields.EVENT_AT[one]) for one in meaning.events)
    delivered_at = when("delivered")
    delivery = meaning.delivery or (ParcelState.DELIVERED if delivered_at else None)
    place = _place(data)
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
        consent=_consent(data),
        standing=_standing(data, meaning),
        dispute=meaning.dispute,
        returns=meaning.returns,
        paid=meaning.paid,
        paid_at=when("paid"),
        fulfilled=True if delivered_at and meaning.fulfilled is None else meaning.fulfilled,
        shipped_at=when("shipped"),
        delivery=delivery,
        delivery_at=(delivered_at or sent_at) if delivery else None,
        traits=_traits(data),
        date_unreadable=_has_unreadable_date(data, now),
        delivery_id=signature.header(headers, "webhook-id") or None,
    )
    return fields.finish(order, when("created"))


def _has_unreadable_date(data: fields.Tree, now: datetime) -> bool:
    names = (*standard_fields.MOMENT, *standard_fields.DATES)
    return any(fields.has_unreadable_moment(data, now, name) for name in names)


def _names_buyer(data: fields.Tree) -> bool:
    """Whether the body has a place for the address, also where it stands empty."""
    return any(
        isinstance(holder, dict) and key in holder
        for path in standard_fields.EMAIL
        for above, _, key in [path.rpartition(".")]
        for holder in [fields.at(data, above) if above else data]
    )


def _place(data: fields.Tree) -> contact.Place:
    return contact.place(
        [fields.text(data, path) for path in standard_fields.LANGUAGE],
        fields.text(data, *standard_fields.BILLED_TO),
        fields.text(data, *standard_fields.SENT_TO),
    )


def _standing(data: fields.Tree, meaning: standard_words.StateMeaning) -> Standing | None:
    """Read the standing; only a refund of the whole total ends an order."""
    stated = [
        standing
        for event, standing in STATED_ENDS.items()
        if any(fields.text(data, name) for name in standard_fields.EVENT_AT[event])
    ]
    standing = stated[0] if stated else meaning.standing
    if standing not in {None, Standing.OPEN, Standing.REFUNDED}:
        return standing
    back = amounts.amount(data, *standard_fields.REFUNDED)
    whole = amounts.amount(data, *standard_fields.TOTAL)
    if back is None or whole is None:
        return standing
    if amounts.is_all(back, whole):
        return Standing.REFUNDED
    return Standing.OPEN if standing is Standing.REFUNDED else standing


def _consent(data: fields.Tree) -> bool | None:
    """Read consent and may_ask: a no counts, whatever other fields say."""
    given = [_answer(data, path) for path in standard_fields.CONSENT]
    refused = any(fields.flag(data, path) for path in standard_fields.DO_NOT_ASK)
    if refused or False in given or not _tags(data).isdisjoint(REFUSAL_TAGS):
        return False
    return True if True in given else None


def _answer(data: fields.Tree, path: str) -> bool | None:
    return False if fields.word(data, path) in REFUSALS else fields.flag(data, path)


def _tags(data: fields.Tree) -> set[str]:
    return fields.tags(data, *standard_fields.TAGS)


def _traits(data: fields.Tree) -> frozenset[str]:
    """Say what a shop may have the order skipped for (docs/how-to/skip.md)."""
    tags = _tags(data)
    traits = {name for name in (fields.word(data, *standard_fields.CHANNEL), *tags) if name}
    traits &= TRAITS
    if fields.flag(data, *standard_fields.RENEWAL):
        traits.add("renewal")
    if amounts.amount(data, *standard_fields.TOTAL) == 0:
        traits.add("zero-total")
    return frozenset(traits | {f"tag:{tag}" for tag in tags})


def _name(data: fields.Tree) -> str:
    return next(
        (found for parts in standard_fields.NAME if (found := fields.name(data, *parts))), ""
    )
