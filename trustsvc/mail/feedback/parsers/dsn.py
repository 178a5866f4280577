"""Delivery status notifications: RFC 3464, RFC 6533, and those that only look like it."""

import re

from trustsvc.mail.feedback.parsers import bounce_classes, mime
from trustsvc.mail.feedback.parsers.bounce_classes import Recipient
from trustsvc.mail.feedback.parsers.report import ReportKind

KINDS = {"message/delivery-status", "message/global-delivery-status"}
MOST_RECIPIENTS = 50
_STATUS = re.compile(r"\D{0,3}([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_BLANK = re.compile(r"\r?\n[ \t]*\r?\n")
_OF_RECIPIENT = {"action", "status", "final-recipient", "diagnostic-code", "original-recipient"}


def find(message: mime.Part) -> tuple[ReportKind, str] | None:
    """Class a notification; None where the message holds none.

    Groups of fields are recognised by their names, because the group of the message is missing in
    some and runs into the first recipient's in others.
    """
    status = next((part for part in message.walk() if part.kind in KINDS), None)
    if status is None:
        return None
    several = _recipients(mime.words(status.body))
    if not several:
        return bounce_classes.failed("", _text(message)) if _says_failed(message) else None
    if any(not (one.action or one.status or one.diagnostic) for one in several):
        several = [
            one if one.action or one.status or one.diagnostic else Recipient("", "", _text(message))
            for one in several
        ]
    return bounce_classes.together([bounce_classes.of_recipient(one) for one in several])


def _recipients(text: str) -> list[Recipient]:
    recipients = []
    for group in _BLANK.split(text)[: MOST_RECIPIENTS + 1]:
        named: dict[str, str] = {}
        for name, value in mime.fields(group):
            named.setdefault(name, value)
        if not named.keys() & _OF_RECIPIENT:
            continue
        status = _STATUS.match(named.get("status", ""))
        action = re.sub(r"[^a-z].*", "", named.get("action", "").lower().strip())
        recipients.append(
            Recipient(action, status[1] if status else "", named.get("diagnostic-code", ""))
        )
    return recipients


def _says_failed(message: mime.Part) -> bool:
    return "multipart/report" in {part.kind for part in message.walk()}


def _text(message: mime.Part) -> str:
    texts = [mime.words(part.body) for part in message.walk() if part.kind == "text/plain"]
    return "\n".join(texts)[: bounce_classes.MAX_WORDS]
