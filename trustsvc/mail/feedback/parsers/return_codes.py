"""Find message codes in what came back: before the @ of a return path or a Message-ID."""

import re
from collections.abc import Iterable

MOST_CODES = 8
IN_RETURN_PATH = re.compile(r"\+([a-z2-7]{26})(?=@)", re.IGNORECASE)
BEFORE_AT = re.compile(r"(?<![a-z2-7])([a-z2-7]{26})(?=@)", re.IGNORECASE)


def codes(texts: Iterable[str], pattern: re.Pattern[str] = BEFORE_AT) -> tuple[str, ...]:
    """Give the codes in their order, each once, in lower case; not more than a few."""
    unique: dict[str, None] = {}
    for text in texts:
        for match in pattern.finditer(text):
            unique.setdefault(match[1].lower())
            if len(unique) == MOST_CODES:
                return tuple(unique)
    return tuple(unique)
