"""Amounts of money as platforms write them. Pure; no amount is stored."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from trustsvc.orders.platforms import fields

MAX_LENGTH = 32
MAX_DIGITS = 15  # more is no amount of money, and would overflow in a sum
CENT = Decimal("0.01")
_WITH_COMMA = re.compile(r"[+-]?\d+(\.\d{3})*,\d{1,2}")  # 39,95 and 1.039,95
_WITH_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d{1,2})?")  # 1,039.95
_CURRENCY = re.compile(r"[A-Z]{3}|[€$£¥]|\s")  # € 5,00 and EUR 5.00


def amount(data: object, *paths: str) -> Decimal | None:
    """Give the first of these that is an amount, without its sign."""
    for path in paths:
        value = fields.at(data, path)
        if isinstance(value, dict):  # {"amount": "5.00", "currency": "EUR"}
            value = value.get("amount", value.get("value"))
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        written = str(value)
        if len(written) > MAX_LENGTH or not (written := _CURRENCY.sub("", written)):
            continue
        if _WITH_THOUSANDS.fullmatch(written):
            written = written.replace(",", "")
        if _WITH_COMMA.fullmatch(written):
            written = written.replace(".", "").replace(",", ".")
        try:
            parsed = Decimal(written)
        except InvalidOperation:
            continue
        if parsed.is_finite() and -MAX_DIGITS < parsed.adjusted() < MAX_DIGITS:
            return parsed.copy_abs()
    return None


def total(rows: Iterable[object], *paths: str) -> Decimal:
    """Add up the amounts of rows; one without an amount counts as nothing."""
    return sum((amount(row, *paths) or Decimal() for row in rows), Decimal())


def is_all(part: Decimal, whole: Decimal | None) -> bool:
    """Whether a refund gives the whole amount back, to the cent."""
    return part > 0 and whole is not None and part >= whole - CENT
