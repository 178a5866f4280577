"""Amazon SES: feedback notifications and event publishing, as they stand in an SNS message.

The message is known by its tag (`X-SES-MESSAGE-TAGS`), by its envelope sender, or by its original
Message-ID. SES replaces that one in the message, and reports it only if original headers are
included.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trustsvc import input_limits
from trustsvc.mail.feedback.parsers import arf, bounce_classes, return_codes
from trustsvc.mail.feedback.parsers.bounce_classes import Recipient
from trustsvc.mail.feedback.parsers.report import IgnoredReport, Report, ReportKind

NOBODY = {"NoEmail", "Suppressed", "OnAccountSuppressionList"}
MOST = 50


def read(text: str) -> Report | IgnoredReport:
    """Read the message inside an SNS notification; never raises."""
    try:
        body = input_limits.read_json(text)
    except ValueError:
        return IgnoredReport("no_report")  # "Successfully validated SNS topic …"
    if not isinstance(body, dict):
        return IgnoredReport("no_report")
    what = body.get("eventType") or body.get("notificationType")
    outcome: tuple[ReportKind, str] | None = None
    if what == "Bounce":
        outcome = _bounce(_inner(body, "bounce"))
    elif what == "Complaint":
        outcome = _complaint(_inner(body, "complaint"))
    elif what == "Delivery":
        outcome = "delivered", "Delivery"
    elif what == "DeliveryDelay":
        outcome = "delayed", _word(_inner(body, "deliveryDelay"), "delayType") or "DeliveryDelay"
    elif what in ("Reject", "Rendering Failure"):
        outcome = "soft", "Reject"  # SES found a virus; no reader is concerned
    if outcome is None:
        return IgnoredReport("not_about_a_message")
    return Report(*outcome, codes=_codes(_inner(body, "mail")))


def _bounce(bounce: Mapping[str, Any]) -> tuple[ReportKind, str]:
    word, more = _word(bounce, "bounceType"), _word(bounce, "bounceSubType")
    if word != "Permanent":
        return "soft", more or word or "Bounce"
    if more in NOBODY:
        return "hard", more
    several = bounce.get("bouncedRecipients")
    given = [one for one in several if isinstance(one, dict)] if isinstance(several, list) else []
    classed = [
        bounce_classes.of_recipient(
            Recipient(
                _word(one, "action") or "failed", _word(one, "status"), _word(one, "diagnosticCode")
            )
        )
        for one in given[:MOST]
        if _word(one, "status") or _word(one, "diagnosticCode")
    ]
    if classed:
        return bounce_classes.together(classed)
    # General and without a word of the server: Amazon puts it on its own list of the undeliverable.
    return ("hard" if more == "General" else "soft"), more or "Permanent"


def _complaint(complaint: Mapping[str, Any]) -> tuple[ReportKind, str] | None:
    word = _word(complaint, "complaintFeedbackType") or "abuse"
    return ("complaint", word) if word in arf.COMPLAINTS else None


def _codes(mail: Mapping[str, Any]) -> tuple[str, ...]:
    return return_codes.codes(list(_places(mail)))


def _places(mail: Mapping[str, Any]) -> Iterator[str]:
    tags = _inner(mail, "tags").get("letter")
    if isinstance(tags, list):
        yield from (f"+{tag}@" for tag in tags[:3] if isinstance(tag, str))
    yield _word(mail, "source")
    yield _word(_inner(mail, "commonHeaders"), "messageId")
    headers = mail.get("headers")
    for one in headers[:200] if isinstance(headers, list) else []:
        if isinstance(one, dict) and _word(one, "name").lower() in {"message-id", "return-path"}:
            yield _word(one, "value")


def _inner(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _word(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value[:4096] if isinstance(value, str) else ""
