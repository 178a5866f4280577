"""Complaints of readers: the abuse reporting format (RFC 5965, RFC 6650)."""

from trustsvc.mail.feedback.parsers import mime
from trustsvc.mail.feedback.parsers.report import IgnoredReport, ReportKind

# opt-out is of the drafts before RFC 5965 and still comes; `other` is what no type fits, and a
# reader who takes the trouble to report does not want the message.
COMPLAINTS = {"abuse", "fraud", "other", "opt-out", "opt-out-list", "miscategorized"}


def find(message: mime.Part) -> tuple[ReportKind, str] | IgnoredReport | None:
    """Class a feedback report; None where the message holds none."""
    part = next((one for one in message.walk() if one.kind == "message/feedback-report"), None)
    if part is None:
        return None
    named = dict(reversed(mime.fields(mime.words(part.body))))
    kind = named.get("feedback-type", "").partition(";")[0].strip().lower()
    if kind in COMPLAINTS:
        return "complaint", kind
    # not-spam takes a complaint back, auth-failure (RFC 6591) and virus are about the way
    return IgnoredReport("feedback")
