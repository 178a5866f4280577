"""The published schema takes what the parser takes, and says what the parser misses."""

import json
from datetime import UTC, datetime

import jsonschema
import pytest

from tests.cases.test_own_cases import CASES
from tests.orders.webhook_client import sample
from trustsvc.errors import Refused
from trustsvc.orders.platforms import standard, standard_fields, standard_schema
from trustsvc.orders.received import Ignored, OrderReceived

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VALIDATOR = jsonschema.Draft202012Validator(json.loads(standard_schema.as_json()))
STEPS = [
    (case.name, step)
    for case in CASES
    if case.platform == "standard"
    for step in case.steps
    if "type" in step.body
]


def test_it_is_a_schema():
    VALIDATOR.check_schema(VALIDATOR.schema)


def test_the_example_order_is_valid():
    VALIDATOR.validate(sample("standard"))


def test_what_our_cases_post_is_valid():
    assert len(STEPS) > 100
    wrong = [
        (name, error.message)
        for name, step in STEPS
        for error in VALIDATOR.iter_errors(json.loads(step.filled(1001, NOW)))
    ]

    assert wrong == []


@pytest.mark.parametrize(
    "body",
    [
        {"type": "order.paid"},
        {"type": "order.paid", "data": {}},
        {"type": "order.paid", "data": {"email": "a@shop-buyer.nl"}},
        {"type": "order.paid", "data": {"reference": ""}},
        {"type": "order.paid", "data": {"reference": {}}},
        {"type": "order.paid", "data": {"reference": "x" * 200}},
        {"type": "order.paid", "data": []},
        {"type": "order.nothing", "data": {"reference": "R"}},
        {"type": 5, "data": {"reference": "R"}},
    ],
)
def test_what_the_parser_cannot_use_is_not_valid(body):
    assert not VALIDATOR.is_valid(body)
    try:
        answer = standard.parse({}, json.dumps(body).encode(), NOW)
    except Refused:
        return
    assert answer == Ignored("unknown_topic", "type", "R")


def leaves(schema, way=()):
    for name, inner in schema["properties"].items():
        yield from leaves(inner, (*way, name)) if "properties" in inner else [(*way, name)]


EVERY = list(leaves(VALIDATOR.schema["$defs"]["order"]))
VALUES = {
    "reference": "R",
    "text": "de",
    "moment": "2026-11-03T10:00:00Z",
    "answer": False,
    "amount": "0.00",
    "tags": ["do-not-ask"],
}


def kind_of(way):
    found = VALIDATOR.schema["$defs"]["order"]
    for name in way:
        found = found["properties"][name]
    return found["$ref"].rpartition("/")[2]


def read(data):
    try:
        found = standard.parse(
            {}, json.dumps({"type": "order.updated", "data": data}).encode(), NOW
        )
    except Refused:
        return None
    return found


def test_every_field_of_the_schema_is_read():
    """Nothing is listed that the parser does not look at."""
    assert len(EVERY) > 100
    assert [".".join(way) for way in EVERY if not is_read(way)] == []


def is_read(way):
    """Say whether a valid order with this field is read as another than one without it."""
    kind, name = kind_of(way), standard_fields.fold({way[-1]: 0}).popitem()[0]
    base = {} if kind == "reference" else {"reference": "N", "consent": True}
    value = VALUES[kind]
    if "email" in name:
        value = "a@shop-buyer.nl"
    elif "name" in name or "company" in name:
        value = "Anna"
        base |= {"name": "Anna"} if "company" in name else {}
    elif "country" in name:
        value = "DE"
    elif "renewal" in name or "test" in name or "do_not_ask" in name:
        value = True
    elif "refund" in way[0].lower() and kind == "amount":
        base, value = base | {"total": 5}, 5
    elif name in standard_fields.CHANNEL:
        value = "pos"
    elif name in standard_fields.STATE:
        value = "on_hold"
    if kind != "reference" and "email" not in name:
        base["email"] = "b@shop-buyer.nl"
    data = value
    for key in reversed(way):
        data = {key: data}
    body = base | data
    assert VALIDATOR.is_valid({"data": body}), way
    given = read(body)
    return isinstance(given, OrderReceived | Ignored) and shown(given) != shown(read(base))


def shown(found):
    if not isinstance(found, OrderReceived):
        return found
    return {name: getattr(found, name) for name in OrderReceived.__slots__}
