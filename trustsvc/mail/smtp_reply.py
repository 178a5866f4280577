"""What a mail server's reply means for a message, and whose fault it is. Pure."""

import re
from collections.abc import Mapping
from enum import StrEnum

from trustsvc.mail.message import FailureScope, SendResult, SendStatus

MAILBOX_FULL = "5.2.2"
# Enhanced status codes (RFC 3463) about the sender and not the mailbox: security and policy, and
# the sender's own address. 5.7.17 and 5.7.18 (RFC 7293) say that the mailbox has a new owner.
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_ABOUT_SENDER = re.compile(r"5\.7\.(?!1[78]$)\d+|5\.1\.[78]")
# Of Postfix (smtpd_client_message_rate_limit and its like), Amazon SES, Exchange, and others alike.
_RATE = re.compile(
    r"too (?:much mail|many (?:messages|recipients)) from"
    r"|\brate\b[^\n]{0,80}\bexceed|\bexceed[^\n]{0,80}\brate\b|\brate.?limit|throttl",
    re.IGNORECASE,
)


class Stage(StrEnum):
    """What was replied to."""

    SESSION = "session"  # connecting, EHLO, STARTTLS, AUTH
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END_OF_DATA = "end_of_data"


class ReplyClass(StrEnum):
    """What kind of reply it is, apart from good ones."""

    CLOSING = "closing"  # 421
    RATE = "rate"  # it takes no more from us for now
    SENDER_LATER = "sender_later"  # 4.7.x: of us, not of a mailbox
    SENDER = "sender"  # 5.7.x and the like: of us, not of a mailbox
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    GARBLED = "garbled"


_RELAY, _DOMAIN, _MAILBOX = FailureScope.SERVER, FailureScope.DOMAIN, FailureScope.MAILBOX
_OF_RELAY = dict.fromkeys(ReplyClass, _RELAY)
# It took the session and not one more message: less a minute helps, a pause of minutes does not.
_OF_RELAY_RATE = dict.fromkeys((ReplyClass.RATE, ReplyClass.SENDER_LATER), FailureScope.RATE)
_OF_RECIPIENT = {
    ReplyClass.CLOSING: _RELAY,
    ReplyClass.RATE: FailureScope.RATE,
    ReplyClass.SENDER_LATER: _DOMAIN,
    ReplyClass.SENDER: _DOMAIN,
    ReplyClass.TRANSIENT: _MAILBOX,
    ReplyClass.PERMANENT: _MAILBOX,
    ReplyClass.GARBLED: _RELAY,
}
# Whose fault it is. Before a recipient was named nothing can be the receiving domain's.
BLAMED: Mapping[Stage, Mapping[ReplyClass, FailureScope]] = {
    Stage.SESSION: _OF_RELAY,
    Stage.MAIL: _OF_RELAY | _OF_RELAY_RATE,
    Stage.RCPT: _OF_RECIPIENT,
    Stage.DATA: _OF_RECIPIENT,
    Stage.END_OF_DATA: _OF_RECIPIENT,
}


def blamed(stage: Stage, code: int, text: str, recipient: str = "") -> FailureScope:
    """Say whose fault a reply is.

    What closes or is about a rate is the receiving domain's where it names the recipient.
    """
    kind = classify(code, text)
    is_named = BLAMED[stage] is _OF_RECIPIENT and _names(recipient, text)
    if is_named and kind in {ReplyClass.CLOSING, ReplyClass.RATE}:
        return FailureScope.DOMAIN
    return BLAMED[stage][kind]


def classify(code: int, text: str) -> ReplyClass:
    """Sort a reply that is no success."""
    status = _status(text)
    if 400 <= code < 500:
        if _RATE.search(text):
            return ReplyClass.RATE
        if code == 421:
            return ReplyClass.CLOSING
        return ReplyClass.SENDER_LATER if status.startswith("4.7.") else ReplyClass.TRANSIENT
    if 500 <= code < 600:
        is_of_us = _ABOUT_SENDER.fullmatch(status)
        return ReplyClass.SENDER if is_of_us else ReplyClass.PERMANENT
    return ReplyClass.GARBLED


def result_of(stage: Stage, code: int, text: str, recipient: str = "") -> SendResult:
    """Turn a reply into a result (RFC 5321 4.2.1); a full mailbox is deferred.

    A refusal of the sender (RFC 3463 x.7.x) says nothing about the buyer's mailbox, so the message
    is deferred and the address is kept. The same is true of any reply before the recipient was
    named.
    """
    kind, scope = classify(code, text), blamed(stage, code, text, recipient)
    after_data = stage is Stage.END_OF_DATA
    if kind is ReplyClass.GARBLED:
        status = SendStatus.UNKNOWN if after_data else SendStatus.DEFERRED
        return SendResult(status, "smtp_garbled", scope)
    if BLAMED[stage] is not _OF_RECIPIENT:
        return SendResult(SendStatus.DEFERRED, f"smtp_{code}", scope)
    if kind is ReplyClass.SENDER:
        return SendResult(SendStatus.DEFERRED, "policy", scope)
    is_full = code == 552 and (MAILBOX_FULL in text or not after_data)
    refused = kind is ReplyClass.PERMANENT and not is_full
    status = SendStatus.REFUSED if refused else SendStatus.DEFERRED
    return SendResult(status, f"smtp_{code}", scope)


def _status(text: str) -> str:
    match = _STATUS.search(text)
    return match[0] if match else ""


def _names(recipient: str, text: str) -> bool:
    return bool(recipient) and recipient.casefold() in text.casefold()
