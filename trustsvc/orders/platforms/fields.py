"""Read a field out of a body in which anything may stand anywhere.

Each reader takes any JSON value and gives a clean one or nothing; only `tree` raises, and only
Refused. Nothing read here is ever repeated in an answer.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from trustsvc import address, person_name
from trustsvc.errors import Refused
from trustsvc.orders.platforms import dates
from trustsvc.orders.received import Ignored, OrderReceived

Tree = dict[str, Any]

MAX_NAME_LENGTH = 100
MAX_TEXT_LENGTH = 200
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
A_DAY = timedelta(days=1)
# How long after an order a parcel is believed to leave, where a platform says that it left and not
# when: without a bound, editing last year's order today would look like a parcel of today.
SHIPS_WITHIN = timedelta(days=30)

ENCODED_WORD = re.compile(r"=\?[^?]*\?[^?]*\?[^?]*\?=")  # RFC 2047

LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}")

NOT_JSON = "The body is not JSON."
NOT_AN_ORDER = "The body is not an order."


def tree(body: bytes) -> Tree:
    """Read JSON: UTF-8 only, no NaN, whole numbers with all their digits.

    Raises Refused, for nesting deeper than Python will follow too.
    """
    try:
        found = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(NOT_JSON) from None
    if not isinstance(found, dict):
        raise Refused(NOT_AN_ORDER)
    return found


def _no_constant(_name: str) -> NoReturn:
    raise ValueError


def at(found: Any, path: str) -> Any:
    """Walk down a dotted path of objects; None where it ends early."""
    for step in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found


def rows(found: Any, path: str) -> list[Tree]:
    """Give the objects in a list."""
    value = at(found, path)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def text(found: Any, *paths: str) -> str:
    """Give the first of these that is a text or a whole number, clean and on one line."""
    for path in paths:
        value = at(found, path)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and (kept := _one_line(value)):
            return kept[:MAX_TEXT_LENGTH]
    return ""


def word(found: Any, *paths: str) -> str:
    """Give a code such as a status, in lower case."""
    return text(found, *paths).lower()


def identity(found: Any, *paths: str) -> str:
    """Give the id that an order keeps; raises Refused where there is none to recognise it by."""
    kept = text(found, *paths)
    if kept.startswith("gid://shopify/"):  # gid://shopify/Order/1 is order 1
        kept = kept.rpartition("/")[2]
    if not kept or len(kept) >= MAX_TEXT_LENGTH:  # one that was cut could be another order's
        raise Refused(NOT_AN_ORDER)
    return kept


def email(found: Any, *paths: str) -> str:
    """Give the first of these that is an address, as it was written."""
    for path in paths:
        value = at(found, path)
        written = value.strip() if isinstance(value, str) else ""
        if any(unicodedata.category(char)[0] in "CZ" for char in written):
            continue
        try:
            address.normalise(written)
        except address.NotAnAddress:
            continue
        return written
    return ""


def name(found: Any, *parts: str) -> str:
    """Join the parts of a person's name: one line, no control or direction characters, or "".

    Encoded words are taken out (CVE-2024-6923), entities are read, and what is no name to greet
    with (person_name.py) is left out, each part for itself and the whole: an order must not turn
    our message into an advertisement.
    """
    joined = " ".join(part for path in parts if (part := _name_part(found, path)))
    return person_name.greetable(joined[:MAX_NAME_LENGTH])


def _name_part(found: Any, path: str) -> str:
    value = at(found, path)
    cleaned = (
        text({"part": person_name.decode(value[:MAX_TEXT_LENGTH])}, "part")
        if (isinstance(value, str))
        else text(found, path)
    )
    cleaned = ENCODED_WORD.sub(" ", cleaned)
    while "=?" in cleaned:
        cleaned = re.sub(r"=\?.*?(\?=|$)", " ", cleaned)
    return " ".join(cleaned.replace("?=", " ").split())


def locale(found: Any, *paths: str) -> str:
    """Give a language and country such as nl-BE; it is kept in clear, so nothing else may pass."""
    cleaned = text(found, *paths)
    return cleaned if LOCALE.fullmatch(cleaned) else ""


def flag(found: Any, *paths: str) -> bool | None:
    """Give yes or no as people and platforms write it; None for anything else."""
    for path in paths:
        value = at(found, path)
        if isinstance(value, bool):
            return value
        cleaned = str(value).strip().lower() if isinstance(value, str | int) else ""
        if cleaned in {"yes", "true", "1", "on"}:
            return True
        if cleaned in {"no", "false", "0", "off"}:
            return False
    return None


def moment(found: Any, now: datetime, *paths: str) -> datetime | None:
    """Give the first of these that is a sane moment, in any shape that dates.py reads.

    A moment before 2000 or more than a day ahead is a mistake, so it counts as missing.
    """
    for path in paths:
        if read := _sane(dates.read(at(found, path)), now):
            return read
    return None


def has_unreadable_moment(found: Any, now: datetime, *paths: str) -> bool:
    """Say whether one of these is there, means a date, and `moment` cannot use it.

    Also true where another of them can be used: that one may be the moment of the webhook, and an
    order must not look new because its own date was not understood.
    """
    values = (at(found, path) for path in paths)
    return any(
        not dates.is_missing(value) and _sane(dates.read(value), now) is None for value in values
    )


def _sane(read: datetime | None, now: datetime) -> datetime | None:
    return read if read and OLDEST <= read <= now + A_DAY else None


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def guess(created: datetime | None, seen: datetime | None, now: datetime) -> datetime:
    """Say when it was probably shipped, where only the last change of the order is known."""
    guessed = seen or now
    return min(guessed, created + SHIPS_WITHIN) if created else guessed


def finish(order: OrderReceived, created: datetime | None) -> OrderReceived | Ignored:
    """Fill in when it was created; without an address, only news about an order is of use."""
    known = (order.paid_at, order.shipped_at, order.delivery_at)
    created = created or min((m for m in known if m), default=order.created_at)
    if not order.email and not order.is_news:
        return Ignored("no_address")
    return replace(order, created_at=created)


def _one_line(value: str) -> str:
    kept = (_clean_char(char) for char in unicodedata.normalize("NFC", value))
    return " ".join("".join(kept).split())


def _clean_char(char: str) -> str:
    kind = unicodedata.category(char)
    if kind[0] == "Z" or kind == "Cc":
        return " "
    return "" if kind[0] == "C" else char
