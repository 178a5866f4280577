"""Bounces in a form of their own: by flufl.bounce's detectors, and by their words."""

import email
import logging
import re
from email.policy import compat32

from flufl.bounce import all_failures

from trustsvc.mail.feedback.parsers import bounce_classes, mime
from trustsvc.mail.feedback.parsers.report import ReportKind

# Some twenty detectors look at each line of this.
MOST_DETECTED = 64 * 1024
MOST_LINES = 1500
MOST_NESTED = 20  # words that put a part into another
_POSTMAN = re.compile(
    r"mailer-?daemon|postmaster|mail delivery|mail-?system|maildelivery|delivery subsystem|^\W*$",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|returned mail|failure notice|delivery (status )?(notification|failure|failed|has "
    r"failed|delayed)|delivery report|mail delivery|could not be delivered|unzustellbar|"
    r"non remis|onbestelbaar|niet bezorgd|nicht zugestellt|delivery error|mail system error",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"warning|delayed|has not yet been delivered|still trying|will (be retried|continue to try)|"
    r"no action is required|not been able to deliver .{0,80}\byet\b",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"permanent|giv(en|ing) up|will not be retried|has been returned", re.IGNORECASE
)
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # its lines name what it looks at


def find(message: mime.Part, data: bytes) -> tuple[ReportKind, str] | None:
    """Class a bounce without a status part; None for anything that is not one.

    The detectors know whether a server gave up, not why: `hard` still needs the words for it.
    """
    temporary, permanent = _detected(data)
    if not (temporary or permanent or is_a_postmans(message)):
        return None
    text = "\n".join(
        mime.words(part.body) for part in message.walk() if part.kind.startswith("text/")
    )
    subject = message.first("subject")
    about = f"{subject}\n{text}"[: bounce_classes.MAX_WORDS]
    waits = _DELAYED.search(about) and not _GIVEN_UP.search(about)
    if (waits and not permanent) or (temporary and not permanent):
        return "delayed", bounce_classes.in_words(about) or "4.0.0"
    kind, status = bounce_classes.failed("", about)
    if kind == "hard" or permanent or bounce_classes.in_words(about) or _SUBJECT.search(subject):
        return kind, status
    return None


def is_a_postmans(message: mime.Part) -> bool:
    """Whether a mail server wrote it: a person's own words prove nothing about a mailbox."""
    if message.first("x-failed-recipients"):
        return True
    sender = message.first("from")
    nobody = message.first("return-path").strip() in {"<>", ""}
    return bool(_POSTMAN.search(sender) and (nobody or _SUBJECT.search(message.first("subject"))))


def _detected(data: bytes) -> tuple[bool, bool]:
    data = b"\n".join(data[:MOST_DETECTED].split(b"\n", MOST_LINES)[:MOST_LINES])
    lower = data.lower()
    if lower.count(b"boundary") + lower.count(b"message/") > MOST_NESTED:
        return False, False
    try:
        temporary, permanent = all_failures(email.message_from_bytes(data, policy=compat32))
    except Exception:  # noqa: BLE001 - whatever a stranger's bytes do to it
        return False, False
    return bool(temporary), bool(permanent)
