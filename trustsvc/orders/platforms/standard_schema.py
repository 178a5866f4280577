"""JSON Schema of the standard endpoint, made from the tables that its parser reads. Pure.

It helps whoever writes the sending side, so it is stricter than the parser. The parser also reads a
body without the outer `data`, and takes anything in a field that it does not know.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from trustsvc.orders.platforms import fields, standard_fields, standard_words

_Schema = dict[str, Any]

IDENTIFIER = "urn:trustsvc:schema:order-1"  # the same wherever it is served
KINDS: Mapping[str, Mapping[str, object]] = {
    "reference": {
        "type": ["string", "integer"],
        "minLength": 1,
        "maxLength": fields.MAX_TEXT_LENGTH - 1,
    },
    "text": {"type": ["string", "integer", "null"]},
    "moment": {
        "description": "ISO 8601 with an offset, such as 2026-11-21T09:55:00Z; the other shapes "
        "that are read are in docs/how-to/connect-a-shop.md.",
        "type": ["string", "number", "object", "null"],
    },
    "answer": {"type": ["boolean", "string", "integer", "null"]},
    "amount": {"type": ["number", "string", "null"]},
    "tags": {"type": ["array", "string", "null"], "items": {"type": "string"}},
}
NAME_PARTS = tuple(path for parts in standard_fields.NAME for path in parts)
# The first name of each row is the one to use; the others are read as well.
FIELDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (standard_fields.REFERENCE, "reference", "The order's number. Required."),
    (standard_fields.EMAIL, "text", "The buyer's address. Empty or null: the shop removed it."),
    (NAME_PARTS, "text", "The buyer's name, to greet with."),
    (standard_fields.COMPANY, "text", "The buyer's company: its name is not greeted."),
    (standard_fields.LANGUAGE, "text", "The buyer's language, such as nl-NL."),
    (standard_fields.BILLED_TO, "text", "Country of the bill: the e-mail's hours, else language."),
    (standard_fields.SENT_TO, "text", "Country of the parcel: the hours where there is no bill."),
    (standard_fields.STATE, "text", "The state of the whole order. An unknown one waits."),
    (standard_fields.PAID, "answer", "Whether it is paid; one that is not waits."),
    (standard_fields.PAYMENT_STATUS, "text", "paid, pending, authorized: all but paid waits."),
    (
        standard_fields.FULFILLMENT_STATUS,
        "text",
        "fulfilled, partial, returned: all but fulfilled waits.",
    ),
    (standard_fields.MOMENT, "moment", "When what `type` says happened."),
    (standard_fields.MODIFIED_AT, "moment", "When the order changed: the newest news wins."),
    *(
        (names, "moment", f"When it was {event}.")
        for event, names in standard_fields.EVENT_AT.items()
    ),
    (standard_fields.CONSENT, "answer", "Whether the buyer may be asked. false always wins."),
    (standard_fields.DO_NOT_ASK, "answer", "true: the buyer is not asked."),
    (standard_fields.TAGS, "tags", "Tags of the order; do-not-ask is a no."),
    (standard_fields.TOTAL, "amount", "What the whole order costs."),
    (
        standard_fields.REFUNDED,
        "amount",
        "What was given back so far: less than the total ends nothing.",
    ),
    (standard_fields.CHANNEL, "text", "pos, marketplace or wholesale, for --skip."),
    (standard_fields.RENEWAL, "answer", "true: the renewal of a subscription, never asked about."),
    (standard_fields.TEST, "answer", "true: a test, ignored."),
)


@cache
def as_json() -> str:
    """Give the schema as it is served and as docs/reference/generated/order-1.json holds it."""
    return json.dumps(schema(), indent=1) + "\n"


def schema() -> dict[str, object]:
    order = _order()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": IDENTIFIER,
        "title": "Order webhook of the standard endpoint",
        "type": "object",
        "required": ["data"],
        "properties": {
            "type": {
                "description": "What happened; order.updated where it is left out.",
                "enum": sorted(standard_words.TYPES),
            },
            "timestamp": {"$ref": "#/$defs/moment", "description": "When this was written."},
            "data": {
                "type": "object",
                "anyOf": [
                    {"$ref": "#/$defs/order"},
                    {"required": ["order"], "properties": {"order": {"$ref": "#/$defs/order"}}},
                ],
            },
        },
        "$defs": {**KINDS, "order": order},
    }


def _order() -> _Schema:
    order: _Schema = {"type": "object", "properties": {}}
    for (first, *others), kind, text in FIELDS:
        _add(order, first, kind, text)
        for path in others:
            _add(order, path, kind, f"Read as {first}.")
    for path in [path for paths, _, _ in FIELDS for path in paths]:
        kind = next(kind for paths, kind, _ in FIELDS if path in paths)
        if (written := standard_fields.camel(path)) != path:
            _add(order, written, kind, f"Read as {path}.")
    order["properties"]["status"]["examples"] = sorted(filter(None, standard_words.STATES))
    names = dict.fromkeys(
        written
        for path in standard_fields.REFERENCE
        for written in (path, standard_fields.camel(path))
    )
    order["anyOf"] = [{"required": [name]} for name in names]
    return order


def _add(order: _Schema, path: str, kind: str, text: str) -> None:
    """Add a field at a dotted path; a field that is there keeps its first meaning."""
    *holders, name = path.split(".")
    inside = order["properties"]
    for holder in holders:
        inside = inside.setdefault(holder, {"type": ["object", "null"]})
        if "$ref" in inside:  # a text, or an object that holds it
            inside |= {"anyOf": [{"$ref": inside.pop("$ref")}, {"type": "object"}]}
        inside = inside.setdefault("properties", {})
    inside.setdefault(name, {"$ref": f"#/$defs/{kind}", "description": text})
