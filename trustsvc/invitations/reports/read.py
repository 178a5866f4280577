"""Read a message that came back: what became of a letter, and of which."""

import re

from trustsvc.invitations.reports import arf, dsn, mime, odd
from trustsvc.invitations.reports.report import Ignored, Report

MOST_CODES = 8
# Where a mail server writes to which address it brought the message: the letter's own return path.
_TO = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "to", "cc", "received")
_OF_LETTER = ("message-id", "return-path", "x-original-message-id", "x-pm-metadata-letter")
_IN_ADDRESS = re.compile(r"\+([a-z2-7]{26})(?=@)", re.IGNORECASE)
_BEFORE_AT = re.compile(r"(?<![a-z2-7])([a-z2-7]{26})(?=@)", re.IGNORECASE)
_HEADS = {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}


def read(data: bytes) -> Report | Ignored:
    """Read one message; never raises, whatever it is.

    Automatic replies, read receipts and letters of people come to a return path too, and say
    nothing about delivery.
    """
    message = mime.read(data)
    found = arf.find(message) or dsn.find(message)
    if found is None and _is_automatic(message):
        return Ignored("automatic")
    found = found or odd.find(message, data[: mime.MOST_BYTES])
    if found is None:
        return Ignored("no_report")
    if isinstance(found, Ignored):
        return found
    return Report(*found, codes=_codes(message))


def _is_automatic(message: mime.Part) -> bool:
    said = message.first("auto-submitted").lower()
    if message.first("x-autoreply") or message.first("x-autorespond"):
        return True
    if "disposition-notification" in message.first("content-type").lower():
        return True
    return said.startswith("auto-") and not odd.is_a_postmans(message)


def _codes(message: mime.Part) -> tuple[str, ...]:
    found: dict[str, None] = {}

    def take(pattern: re.Pattern[str], text: str) -> None:
        for match in pattern.finditer(text):
            if len(found) < MOST_CODES:
                found.setdefault(match[1].lower())

    for value in message.all(*_TO):
        take(_IN_ADDRESS, value)
    inner = list(message.walk())[1:]
    for part in inner:
        for value in part.all(*_OF_LETTER):
            take(_BEFORE_AT, value)
    for part in [message, *inner]:
        if not part.parts and (part.kind.startswith("text/") or part.kind in _REPORTS | _HEADS):
            take(_BEFORE_AT, mime.words(part.body))
    return tuple(found)


_REPORTS = dsn.KINDS | {"message/feedback-report"}
