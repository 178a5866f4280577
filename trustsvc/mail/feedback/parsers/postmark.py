"""Postmark's webhooks: Bounce, SpamComplaint, Delivery and SubscriptionChange.

The message is known by its metadata (`X-PM-Metadata-letter`): sender and Message-ID are replaced.
"""

from collections.abc import Mapping

from trustsvc.mail.feedback.parsers import bounce_classes
from trustsvc.mail.feedback.parsers.report import IgnoredReport, Report, ReportKind

# Postmark's own words; a word that is not here is soft: it says that nothing arrived, no more.
HARD = {"HardBounce", "BadEmailAddress"}
COMPLAINTS = {"SpamComplaint", "Unsubscribe"}
DELAYED = {"Transient"}
NOTHING = {
    "AutoResponder",
    "Subscribe",
    "AddressChange",
    "ChallengeVerification",
    "OpenRelayTest",
    "ManuallyDeactivated",
    "Unconfirmed",
    "SMTPApiError",
    "InboundError",
    "TemplateRenderingFailed",
}
MOST_WORDS = 4096


def read(body: Mapping[str, object]) -> Report | IgnoredReport:
    """Read one event; what reports on no delivery (opens, clicks) is ignored."""
    what = body.get("RecordType")
    outcome: tuple[ReportKind, str] | None = None
    if what == "Bounce":
        outcome = _bounce(_word(body, "Type"), f"{_word(body, 'Details')}")
    elif what == "SpamComplaint":
        outcome = "complaint", "SpamComplaint"
    elif what == "Delivery":
        outcome = "delivered", "Delivery"
    elif what == "SubscriptionChange":
        outcome = _suppressed(body)
    if outcome is None:
        return IgnoredReport("not_about_a_message")
    metadata = body.get("Metadata")
    code = metadata.get("letter") if isinstance(metadata, dict) else None
    return Report(*outcome, codes=(code.lower(),) if isinstance(code, str) else ())


def _bounce(word: str, details: str) -> tuple[ReportKind, str] | None:
    if word in NOTHING:
        return None
    if word in COMPLAINTS:
        return "complaint", word
    if word in DELAYED:
        return "delayed", word
    if word not in HARD:
        return "soft", word or "Bounce"
    # Their word for it, unless the server's own says that it was about us.
    status = bounce_classes.in_words(details)
    if status and bounce_classes.failed(status, details)[0] == "soft":
        return "soft", status
    return "hard", status or word


def _suppressed(body: Mapping[str, object]) -> tuple[ReportKind, str] | None:
    if body.get("SuppressSending") is not True:
        return None
    reason = _word(body, "SuppressionReason")
    if reason == "SpamComplaint" or (
        reason == "ManualSuppression" and _word(body, "Origin") == "Recipient"
    ):
        return "complaint", reason
    return ("hard", reason) if reason == "HardBounce" else None


def _word(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    return value[:MOST_WORDS] if isinstance(value, str) else ""
