"""Bound text from outside before anything works on it: its length, and marks in a row. Pure.

Every reader of forms, webhooks, mail reports, pages and API answers comes through here first.
Sorting n combining marks (NFC, NFD, NFKC, NFKD) costs n², and so do many searches.
"""

import json
import unicodedata
from functools import lru_cache
from typing import NoReturn

# Unicode's Stream-Safe Text Format (UAX #15, section 13) has at most 30 non-starters in a row: more
# than any language writes.
MAX_MARKS = 30
MAX_LENGTH = 20_000  # of one field of a form; the longest text that anything keeps has 5,000
_FIRST_MARK = "\u0300"
# Starters that normalise to marks alone: Tibetan vowels, halfwidth katakana voicing.
_BECOME_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")


def bounded(text: str, max_length: int = MAX_LENGTH) -> str:
    """Cut a text to a length, and its marks to 30 in a row: twice changes nothing more.

    Blanks around it are left out first, so that a short text among many is still read.
    """
    return stream_safe(text.strip()[:max_length])


def stream_safe(text: str) -> str:
    """Leave out the marks beyond 30 in a row; one look at each character."""
    if not _may_have_marks(text):
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        if char < _FIRST_MARK or not _is_mark(char):
            marks = 0
        elif marks == MAX_MARKS:
            continue
        else:
            marks += 1
        kept.append(char)
    return "".join(kept)


def is_stream_safe(text: str) -> bool:
    """Whether no more than 30 marks stand in a row: for what must not be changed, as an address."""
    return not _may_have_marks(text) or stream_safe(text) == text


def read_json(body: bytes | str) -> object:
    """Read JSON: UTF-8, no NaN, whole numbers with all their digits.

    Raises ValueError for anything else, and for nesting deeper or numbers longer than Python
    reads (about 900 levels, 4,300 digits).
    """
    text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError from None


def _no_constant(_name: str) -> NoReturn:
    raise ValueError


def _may_have_marks(text: str) -> bool:
    return not text.isascii() and max(text) >= _FIRST_MARK


@lru_cache(maxsize=4096)
def _is_mark(char: str) -> bool:
    return unicodedata.combining(char) > 0 or char in _BECOME_MARKS
