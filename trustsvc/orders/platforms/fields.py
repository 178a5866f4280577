"""Read fields of a JSON body in which anything may stand anywhere.

Each reader takes any JSON value and gives a clean value or an empty one. Only `tree` and `identity`
raise, and only Refused. Nothing read here is ever repeated in an answer.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from trustsvc import address, input_limits, person_name
from trustsvc.errors import Refused
from trustsvc.orders.platforms import dates, possible_refusals
from trustsvc.orders.received import Ignored, OrderReceived

Tree = dict[str, object]

MAX_NAME_LENGTH = 100
MAX_TEXT_LENGTH = 200
MAX_RAW_LENGTH = 4 * MAX_TEXT_LENGTH  # what is looked at; blanks and control characters go
MAX_ROWS = 1000  # no shop's order has as many of anything
MAX_TAGS = 500  # Shopify takes 250
MAX_TAGS_LENGTH = 20_000
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(days=1)
# The longest assumed time from order to shipment, if a platform says that a parcel was shipped but
# not when: without a limit, editing last year's order today would look like a parcel of today.
SHIPS_WITHIN = timedelta(days=30)

_BETWEEN_TAGS = re.compile(r"[,;\r\n]|<[^<>]{1,20}>")  # commas, semicolons, lines, elements
ENCODED_WORD = re.compile(r"=\?[^?]*\?[^?]*\?[^?]*\?=")  # RFC 2047

NOT_JSON = "The body is not JSON."
NOT_AN_ORDER = "The body is not an order."


def tree(body: bytes) -> Tree:
    """Read JSON as input_limits does; raises Refused for anything else than an object."""
    try:
        parsed = input_limits.read_json(body)
    except ValueError:
        raise Refused(NOT_JSON) from None
    if not isinstance(parsed, dict):
        raise Refused(NOT_AN_ORDER)
    return parsed


def at(data: object, path: str) -> object:
    """Follow a dotted path of objects; None where it ends early."""
    if "." not in path:
        return data.get(path) if isinstance(data, dict) else None
    for step in path.split("."):
        if not isinstance(data, dict):
            return None
        data = data.get(step)
    return data


def rows(data: object, path: str) -> list[Tree]:
    """Give the objects in a list, the first thousand."""
    value = at(data, path)
    first = value[:MAX_ROWS] if isinstance(value, list) else []
    return [row for row in first if isinstance(row, dict)]


def pairs(data: object, path: str) -> list[tuple[str, object]]:
    """Give names and values, of a list of objects or of one: a thousand, and what may be a no."""
    value = at(data, path)
    if isinstance(value, dict):
        return possible_refusals.named(list(value.items()), MAX_ROWS)
    few = possible_refusals.named(value, MAX_ROWS) if isinstance(value, list) else []
    return [(text(row, "name", "key"), row.get("value")) for row in few if isinstance(row, dict)]


def text(data: object, *paths: str) -> str:
    """Give the first of these that is a text or a whole number, clean and on one line."""
    for path in paths:
        value = at(data, path)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and (cleaned := _one_line(value)):
            return cleaned[:MAX_TEXT_LENGTH]
    return ""


def tags(data: object, *paths: str) -> set[str]:
    """Give the tags of lists and texts, lower case: 500 of each, and what may be a no."""
    found: list[str] = []
    for path in paths:
        value = at(data, path)
        if isinstance(value, str):
            found += _BETWEEN_TAGS.split(value[:MAX_TAGS_LENGTH])[:MAX_TAGS]
            found += possible_refusals.around(value, _BETWEEN_TAGS, MAX_TEXT_LENGTH)
        elif isinstance(value, list):
            found += map(_tag, possible_refusals.tags(value, MAX_TAGS))
    clean = (input_limits.bounded(one, MAX_TEXT_LENGTH).casefold() for one in found)
    return {tag for tag in clean if tag}


def _tag(value: object) -> str:
    return text(value, "name", "slug", "title", "value") or text({"tag": value}, "tag")


def word(data: object, *paths: str) -> str:
    """Give a code such as a status, in lower case."""
    return text(data, *paths).lower()


def identity(data: object, *paths: str) -> str:
    """Give the platform's stable id of an order; raises Refused if there is none."""
    cleaned = text(data, *paths)
    if cleaned.startswith("gid://shopify/"):  # gid://shopify/Order/1 is order 1
        cleaned = cleaned.rpartition("/")[2]
    if not cleaned or len(cleaned) >= MAX_TEXT_LENGTH:  # a cut id could be another order's
        raise Refused(NOT_AN_ORDER)
    return cleaned


def email(data: object, *paths: str) -> str:
    """Give the first of these that is an address, as it was written."""
    for path in paths:
        value = at(data, path)
        candidate = value.strip() if isinstance(value, str) else ""
        if len(candidate) > address.MAX_RAW_CHARACTERS or any(
            unicodedata.category(char)[0] in "CZ" for char in candidate
        ):
            continue
        try:
            address.normalise(candidate)
        except address.NotAnAddress:
            continue
        return candidate
    return ""


def name(data: object, *parts: str) -> str:
    """Join the parts of a person's name: one line, no control or direction characters, or "".

    An order must not turn our message into an advertisement. So encoded words are taken out
    (CVE-2024-6923) and entities are read. Then each part, and the whole, is left out if it is no
    name to greet with (person_name.py).
    """
    joined = " ".join(part for path in parts if (part := _name_part(data, path)))
    return person_name.greetable(joined[:MAX_NAME_LENGTH])


def _name_part(data: object, path: str) -> str:
    value = at(data, path)
    cleaned = (
        text({"part": person_name.decode(value[:MAX_TEXT_LENGTH])}, "part")
        if (isinstance(value, str))
        else text(data, path)
    )
    cleaned = ENCODED_WORD.sub(" ", cleaned)
    while "=?" in cleaned:
        cleaned = re.sub(r"=\?.*?(\?=|$)", " ", cleaned)
    return " ".join(cleaned.replace("?=", " ").split())


def flag(data: object, *paths: str) -> bool | None:
    """Give yes or no, as people and platforms write it; None for anything else."""
    for path in paths:
        value = at(data, path)
        if isinstance(value, bool):
            return value
        cleaned = str(value).strip().lower() if isinstance(value, str | int) else ""
        if cleaned in {"yes", "true", "1", "on"}:
            return True
        if cleaned in {"no", "false", "0", "off"}:
            return False
    return None


def moment(data: object, now: datetime, *paths: str) -> datetime | None:
    """Give the first of these that is a sane moment, in any shape that dates.py reads.

    A moment before 2000 or more than a day ahead is a mistake, so it counts as missing.
    """
    for path in paths:
        if read := _sane(dates.read(at(data, path)), now):
            return read
    return None


def is_dated(data: object, *paths: str) -> bool:
    """Whether one of these fields for a date says that it happened, whatever its shape."""
    return any(not dates.is_missing(at(data, path)) for path in paths)


def has_unreadable_moment(data: object, now: datetime, *paths: str) -> bool:
    """Say whether one of these is there, means a date, and `moment` cannot use it.

    True also if another of them can be used: that one may be the moment of the webhook. An order
    must not look new because its own date was not understood.
    """
    values = (at(data, path) for path in paths)
    return any(
        not dates.is_missing(value) and _sane(dates.read(value), now) is None for value in values
    )


def has_garbled_moment(data: object, *paths: str) -> bool:
    """Say whether one of these is there and is no date; one of a clock that is ahead is one."""
    values = [at(data, path) for path in paths]
    return any(not dates.is_missing(value) and dates.read(value) is None for value in values)


def _sane(read: datetime | None, now: datetime) -> datetime | None:
    return read if read and OLDEST <= read <= now + CLOCK_TOLERANCE else None


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def estimate_shipment(
    created: datetime | None, changed: datetime | None, now: datetime
) -> datetime:
    """Estimate when it was shipped, if only the last change of the order is known."""
    estimate = changed or now
    return min(estimate, created + SHIPS_WITHIN) if created else estimate


def finish(order: OrderReceived, created: datetime | None) -> OrderReceived | Ignored:
    """Fill in when it was created; without an address, only an update of an order is of use."""
    known = (order.paid_at, order.shipped_at, order.delivery_at)
    created = created or min((m for m in known if m), default=order.created_at)
    says_something = order.is_update or order.is_whole or order.says_consent
    if not order.email and not says_something:
        return Ignored("no_address", identity=order.identity)
    return replace(order, created_at=created)


def _one_line(value: str) -> str:
    if value.isascii() and value.isprintable() and len(value) <= MAX_RAW_LENGTH:
        return value if " " not in value else " ".join(value.split())
    composed = unicodedata.normalize("NFC", input_limits.bounded(value, MAX_RAW_LENGTH))
    return " ".join("".join(map(_clean_char, composed)).split())


@lru_cache(maxsize=4096)
def _clean_char(char: str) -> str:
    category = unicodedata.category(char)
    if category[0] == "Z" or category == "Cc":
        return " "
    return "" if category[0] == "C" else char
