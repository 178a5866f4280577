"""Read a message that came back: what became of which message."""

from trustsvc.mail.feedback.parsers import arf, dsn, mime, other_formats
from trustsvc.mail.feedback.parsers.report import IgnoredReport, Report
from trustsvc.mail.feedback.parsers.return_codes import IN_RETURN_PATH, codes

# Where a mail server writes to which address it brought the message: the message's own return path.
_TO = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "to", "cc", "received")
_OF_MESSAGE = ("message-id", "return-path", "x-original-message-id", "x-pm-metadata-letter")
_READ = dsn.KINDS | {
    "message/feedback-report",
    "message/rfc822",
    "message/global",
    "message/global-headers",
}


def read(data: bytes) -> Report | IgnoredReport:
    """Read one message; never raises, whatever it is.

    Automatic replies, read receipts and messages of people come to a return path too, and say
    nothing about delivery.
    """
    message = mime.read(data)
    report = arf.find(message) or dsn.find(message)
    if report is None and _is_automatic(message):
        return IgnoredReport("automatic")
    report = report or other_formats.find(message, data[: mime.MOST_BYTES])
    if report is None:
        return IgnoredReport("no_report")
    if isinstance(report, IgnoredReport):
        return report
    return Report(*report, codes=_codes(message))


def _is_automatic(message: mime.Part) -> bool:
    auto_submitted = message.first("auto-submitted").lower()
    if message.first("x-autoreply") or message.first("x-autorespond"):
        return True
    if "disposition-notification" in message.first("content-type").lower():
        return True
    return auto_submitted.startswith("auto-") and not other_formats.is_a_postmans(message)


def _codes(message: mime.Part) -> tuple[str, ...]:
    """Where it came to first, then the heads of what was returned, then any words."""
    inner = list(message.walk())[1:]
    heads = [value for part in inner for value in part.all(*_OF_MESSAGE)]
    bodies = [
        mime.words(part.body)
        for part in [message, *inner]
        if not part.parts and (part.kind.startswith("text/") or part.kind in _READ)
    ]
    first = codes(message.all(*_TO), IN_RETURN_PATH)
    return tuple(dict.fromkeys([*first, *codes([*heads, *bodies])]))
