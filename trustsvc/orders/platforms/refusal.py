"""How shops and buyers write a yes and an explicit no. One list for every platform. Pure."""

import re
from collections.abc import Iterable

from trustsvc.orders.platforms import fields

NO_WORDS = {
    *("n", "no", "nee", "neen", "nein", "non", "niet", "nicht", "never", "nooit", "nie", "jamais"),
    *("none", "geen", "kein", "keine", "aucun", "aucune", "not"),
    *("declined", "denied", "refused", "rejected", "withdrawn", "revoked"),
    *("opt-out", "opted-out", "optout", "unsubscribed", "do-not-ask"),
    *("geweigerd", "afgewezen", "abgelehnt", "widerrufen"),
}
YES_WORDS = {
    *("y", "ja", "oui", "granted", "given", "accepted", "agreed", "opt-in", "opted-in", "optin"),
    *("akkoord", "gegeven", "zugestimmt", "erteilt", "accordé"),
}
INSIDE = ("given", "granted", "value", "consent", "status", "state")  # of an object that answers
CONSENT_NAMES = {"trustsvc-consent", "trustsvc-may-ask", "trustsvc-ask"}
NAMES = {"do-not-ask", "trustsvc-do-not-ask"}  # of a tag, a note or a meta
# Among other words of a text only as one word: "do not ask the neighbours" is no refusal.
_AMONG_WORDS = re.compile(r"(?<![\w-])(?:trustsvc[-_])?do[-_]not[-_]ask(?![\w-])")
_HYPHENS = re.compile("[\u2010-\u2015]")
_PREFIX = re.compile("^(?:-?wc-other/|-?wc-(?:billing|shipping)/)")  # WooCommerce's block checkout


def answer(data: object, *paths: str) -> bool | None:
    """Give yes or no to the question whether the buyer may be asked; None for anything else.

    The first word of a text counts: "no, thanks" is a no.
    """
    for path in paths:
        value = fields.at(data, path)
        if isinstance(value, dict):
            found = answer(value, *INSIDE)
        elif value == 0 and isinstance(value, float):
            found = False
        elif (found := fields.flag(data, path)) is None:
            found = _in_words(fields.word(data, path))
        if found is not None:
            return found
    return None


def _in_words(text: str) -> bool | None:
    written = _written(text)
    first = re.split("[^a-z]", written, maxsplit=1)[0] if written else ""
    if {written, first} & NO_WORDS:
        return False
    return True if written in YES_WORDS else None


def is_name(name: str) -> bool:
    """Whether a tag, a note or a meta of this name is a no; case and - or _ do not matter."""
    if "ask" not in (folded := name.strip().casefold()):  # most names, for little work
        return False
    plain = _HYPHENS.sub("-", folded)
    return _written(name).strip("-") in NAMES or _AMONG_WORDS.search(plain) is not None


def in_tags(found: Iterable[str]) -> bool:
    return any(map(is_name, found))


def in_notes(notes: Iterable[tuple[str, object]]) -> bool | None:
    """Give what these names and values answer: among several a no wins."""
    given: set[bool | None] = set()
    for name, value in notes:
        if not _may_answer(name):
            continue
        noted = {"value": value}
        written = _of_note(name)
        if is_name(written) and answer(noted, "value") is not False:
            given.add(False)
        if written in CONSENT_NAMES:
            given.add(answer(noted, "value"))
    return False if False in given else True if True in given else None


def answers(name: str) -> bool:
    """Whether a note of this name may hold a yes or a no."""
    if not _may_answer(name):
        return False
    written = _of_note(name)
    return is_name(written) or written in CONSENT_NAMES


def _may_answer(name: str) -> bool:
    """Sort out most names for little work."""
    folded = name.casefold()
    return "ask" in folded or "trustsvc" in folded


def _of_note(name: str) -> str:
    return _PREFIX.sub("", _written(name)).replace("/", "-").strip("-")


def _written(word: str) -> str:
    return re.sub(r"[\s_-]+", "-", _HYPHENS.sub("-", word.strip().casefold()))
