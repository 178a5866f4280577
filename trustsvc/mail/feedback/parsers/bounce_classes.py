"""Which class a bounce is of. Pure tables, with a reason each.

`hard` forgets a buyer and never asks again, so it needs a sentence that can only mean: there is
nobody at this address. Everything that may be about us, about today, or about the way is `soft`.
Sources: RFC 3463 (the codes), RFC 7505 (null MX), RFC 7372 (5.7.2x), what large receivers say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trustsvc.mail.feedback.parsers.report import ReportKind

HARD = {
    "5.1.1": "there is no such mailbox",
    "5.1.2": "the domain does not exist; a name server that is down says 4.x.x",
    "5.1.3": "the address cannot be an address",
    "5.1.6": "the mailbox moved and left no address",
    "5.1.10": "the domain takes no mail (RFC 7505); Exchange: no such recipient",
    "5.2.1": "the mailbox is closed",
}
# Everything else of class 5 is soft, and these are so for a reason worth saying:
#   5.1.0        says nothing; some mean our own address
#   5.1.7, 5.1.8 our own address
#   5.2.2        a full mailbox may be empty tomorrow
#   5.2.3        our message's size
#   5.3.x        their system
#   5.4.x        the way there; 5.4.4 (no such host) is also what a broken resolver of our own says,
#                for every address at once
#   5.5.x, 5.6.x our protocol, our content
#   5.7.x        a policy, or our reputation: the person may well be there
# What says nothing by itself, so that the words beside it decide.
VAGUE = re.compile(r"[45]\.0\.0|5\.1\.0|5\.2\.0|5\.3\.0|5\.5\.[01]|")

MAX_WORDS = 16 * 1024  # a server's own words are first; the message it returns comes after
_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.])([245])\d\d(?![\d.]*\d)")
_NOBODY = re.compile(
    r"(user|mailbox|recipient|account|address|email|inbox|e-mail|adresse?)\W{0,3}(<[^<>]{0,320}>)?\W{0,3}"
    r"(is |was |has been |name |address )?(unknown|invalid|not (be )?found|not exist|disabled|"
    r"unavailable\b(?! due)|inactive|not known|no longer|deleted|rejected: (user|access) )|"
    r"(unknown|invalid|no such|nonexist\w+|non-exist\w+|unrouteable|unroutable|undeliverable) "
    r"(local |virtual |e-?mail |to ){0,4}(user|mailbox|recipient|address|account|person|inbox)|"
    r"(does not|doesn.t|do not|didn.t) (exist|have an? \S{1,40} account)|"
    r"not a valid (mailbox|user)|"
    r"account (that you tried to reach )?(does not exist|is disabled)|no mailbox here|"
    r"mailbox unavailable|not our customer|not listed in|recipientnotfound|no mail ?drop|"
    r"unbekannt|inconnue?\b|n.existe pas|bestaat niet|onbekend",
    re.IGNORECASE,
)
_US_OR_TODAY = re.compile(
    r"spam|block(ed|list)|black ?list|denylist|\bRBL\b|\bDNSBL\b|spamhaus|reputation|policy|polic"
    r"ies|\bSPF\b|\bDKIM\b|\bDMARC\b|unauthenticated|not authenticated|rate limit|too (many|quickly"
    r"|fast|much)|unsolicited|content rejected|virus|greylist|grey-list|try again|temporar|quota|"
    r"over ?quota|mailbox (is )?full|full mailbox|insufficient (disk |system )?(storage|space)|"
    r"relay(ing)? (access )?(denied|not)|sender (address )?(rejected|verify|unknown|domain)|"
    r"disk space|too large|timed? ?out|bo[iî]te pleine|voll\b|over its storage",
    re.IGNORECASE,
)
_DIRECTORY_EDGE = re.compile(r"recipient address rejected: access denied", re.IGNORECASE)
_SEVERITY: dict[ReportKind, int] = {
    "delivered": 0,
    "delayed": 1,
    "soft": 2,
    "hard": 3,
    "complaint": 4,
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a report says of one recipient (RFC 3464 section 2.3); no address."""

    action: str
    status: str
    diagnostic: str


def of_recipient(one: Recipient) -> tuple[ReportKind, str]:
    """Class one recipient's fields; gives the class and the code it went by."""
    action = one.action.lower()
    if action in {"delivered", "relayed", "expanded"}:
        return "delivered", one.status or "2.0.0"
    if action == "delayed":
        return "delayed", one.status or "4.0.0"
    if not action and one.status.startswith("2."):
        return "delivered", one.status
    return failed(one.status, one.diagnostic)


def failed(status: str, words: str) -> tuple[ReportKind, str]:
    """Class a message that somebody gave up, by its code and the words of the server beside it.

    The server's own words go before what was made of them on the way, and of two that do not
    agree the milder one holds. Of the words the first 16 KiB are read.
    """
    words = words[:MAX_WORDS]
    stated = in_words(words)
    code = status if not VAGUE.fullmatch(status) else stated or status
    if stated and stated != code and not VAGUE.fullmatch(stated) and stated not in HARD:
        code = stated
    if code.startswith("4"):
        return "soft", code
    doubtful = _US_OR_TODAY.search(words) is not None
    if code in HARD:
        # 5.1.1 beside "blocked" or "quota" is a receiver that has one code for everything.
        return ("soft" if doubtful else "hard"), code
    if code == "5.4.1" and _DIRECTORY_EDGE.search(words):
        return "hard", code  # Exchange Online's edge: not in the directory
    reply = _REPLY.search(words)
    if VAGUE.fullmatch(code) and not doubtful and not (reply and reply[1] == "4"):
        return ("hard" if _NOBODY.search(words) else "soft"), code or "5.0.0"
    return "soft", code or "5.0.0"


def in_words(words: str) -> str:
    """Find the enhanced status code that a server's words begin with; empty where there is none."""
    match = _ENHANCED.search(words)
    return match[1] if match else ""


def together(several: Sequence[tuple[ReportKind, str]]) -> tuple[ReportKind, str]:
    """Give the mildest: our message has one recipient, and what it was passed on to is not him."""
    return min(several, key=lambda one: _SEVERITY[one[0]])
