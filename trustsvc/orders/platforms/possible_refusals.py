"""What may be a buyer's no, found among any number of values for little work each. Pure.

Of a long list of tags or notes only the first ones are read in full. A no counts wherever it
stands: what may be one, by a single look at it, is read as well (refusal.py decides).
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

_Value = TypeVar("_Value")

MOST_MORE = 100
_IN_A_TAG = re.compile(r"do[\s_\u2010-\u2015-]+not[\s_\u2010-\u2015-]+ask", re.IGNORECASE)
_IN_A_NAME = re.compile("ask|trustsvc", re.IGNORECASE)


def tags(values: list[_Value], first: int) -> list[_Value]:
    """Give the first tags of a list, and of the others a hundred that may be a no."""
    more = (one for one in values[first:] if one and _has(_IN_A_TAG, one))
    return [*values[:first], *islice(more, MOST_MORE)]


def named(values: list[_Value], first: int) -> list[_Value]:
    """Give the first of rows or pairs, and of the others a hundred whose name may be a no."""
    more = (one for one in values[first:] if one and _has(_IN_A_NAME, one, names_alone=True))
    return [*values[:first], *islice(more, MOST_MORE)]


def around(text: str, separator: re.Pattern[str], length: int) -> Iterator[str]:
    """Give the parts of a text that may be a no, with so many characters on either side."""
    for at in islice(_IN_A_TAG.finditer(text), MOST_MORE):
        before = separator.split(text[max(0, at.start() - length) : at.start()])[-1]
        after = separator.split(text[at.start() : at.end() + length], maxsplit=1)[0]
        yield before + after


def _has(pattern: re.Pattern[str], value: object, *, names_alone: bool = False) -> bool:
    """Look at a text, at the values of an object or at its names, at the name of a pair."""
    if isinstance(value, str):
        return pattern.search(value) is not None
    if isinstance(value, dict):
        inner = (value.get("name"), value.get("key")) if names_alone else value.values()
        for one in inner:  # noqa: SIM110 - a generator costs three times as much
            if isinstance(one, str) and pattern.search(one):
                return True
        return False
    return isinstance(value, tuple) and isinstance(value[0], str) and _has(pattern, value[0])
