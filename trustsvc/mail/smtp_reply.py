"""What a mail server's reply means for a message. Pure."""

import re

from trustsvc.mail.message import DeliveryResult, DeliveryStatus, FailureScope

MAILBOX_FULL = "5.2.2"
# Enhanced status codes (RFC 3463) about the sender and not the mailbox: security and policy, and
# the sender's own address. 5.7.17 and 5.7.18 (RFC 7293) say that the mailbox has a new owner.
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_ABOUT_SENDER = re.compile(r"5\.7\.(?!1[78]$)\d+|5\.1\.[78]")


def result_of(code: int, text: str, *, after_data: bool = False) -> DeliveryResult:
    """Turn a reply into a result (RFC 5321 4.2.1); a full mailbox is deferred.

    A refusal of the sender (RFC 3463 x.7.x) says nothing about the buyer's mailbox: it is deferred,
    and the address is kept.
    """
    match = _STATUS.search(text)
    status = match[0] if match else ""
    if 500 <= code < 600 and _ABOUT_SENDER.fullmatch(status):
        return DeliveryResult(DeliveryStatus.DEFERRED, "policy", FailureScope.DOMAIN)
    if 400 <= code < 500:
        of_code = FailureScope.SERVER if code == 421 else FailureScope.MAILBOX
        scope = FailureScope.DOMAIN if status.startswith("4.7.") else of_code
        return DeliveryResult(DeliveryStatus.DEFERRED, f"smtp_{code}", scope)
    if code == 552 and (MAILBOX_FULL in text or not after_data):
        return DeliveryResult(DeliveryStatus.DEFERRED, f"smtp_{code}")
    if 500 <= code < 600:
        return DeliveryResult(DeliveryStatus.REFUSED, f"smtp_{code}")
    return DeliveryResult(
        DeliveryStatus.UNKNOWN if after_data else DeliveryStatus.DEFERRED, "smtp_garbled"
    )
