"""How shops and buyers write an explicit no. One list for every platform. Pure."""

import re
from collections.abc import Iterable

from trustsvc.orders.platforms import fields

NO_WORDS = {
    *("no", "nee", "neen", "nein", "non", "niet", "nicht", "never", "nooit", "nie", "jamais"),
    *("declined", "denied", "refused", "rejected", "withdrawn", "revoked"),
    *("opt-out", "opted-out", "optout", "unsubscribed", "do-not-ask"),
    *("geweigerd", "afgewezen", "abgelehnt", "widerrufen"),
}
NAMES = {"do-not-ask", "trustsvc-do-not-ask"}  # of a tag, a note or a meta


def answer(data: object, *paths: str) -> bool | None:
    """Give yes or no to the question whether the buyer may be asked; None for anything else."""
    for path in paths:
        if _written(fields.word(data, path)) in NO_WORDS:
            return False
        if (found := fields.flag(data, path)) is not None:
            return found
    return None


def is_name(name: str) -> bool:
    """Whether a tag, a note or a meta of this name is a no; case and - or _ do not matter."""
    return _written(name).strip("-") in NAMES


def in_tags(found: Iterable[str]) -> bool:
    return any(map(is_name, found))


def in_notes(notes: Iterable[tuple[str, object]]) -> bool:
    """Whether one of these names and values is a no: among several of one name a no wins."""
    for name, value in notes:
        noted = {"value": value}
        if is_name(name) and fields.flag(noted, "value") is not False:
            return True
        is_answer = _written(name) in {"trustsvc-consent", "trustsvc-ask"}
        if is_answer and answer(noted, "value") is False:
            return True
    return False


def _written(word: str) -> str:
    return re.sub("[ _-]+", "-", word.strip().casefold())
