"""What a mail server's answer means for a letter. Pure."""

import re

from trustsvc.mail.message import DeliveryResult, DeliveryStatus, FailureScope

MAILBOX_FULL = "5.2.2"
# What an enhanced status (RFC 3463) says of us and not of the mailbox: security and policy, and the
# sender's own address. 5.7.17 and 5.7.18 (RFC 7293) say that the mailbox is somebody else's now.
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_OF_US = re.compile(r"5\.7\.(?!1[78]$)\d+|5\.1\.[78]")


def result_of(code: int, said: str, *, after_dot: bool = False) -> DeliveryResult:
    """Turn an answer into a fate (RFC 5321 4.2.1); a full mailbox may be empty tomorrow.

    A refusal for what we are or do (RFC 3463 x.7.x) says nothing about the buyer's mailbox: it is
    tried again later, and never forgets the address.
    """
    found = _STATUS.search(said)
    status = found[0] if found else ""
    if 500 <= code < 600 and _OF_US.fullmatch(status):
        return DeliveryResult(DeliveryStatus.DEFERRED, "policy", FailureScope.DOMAIN)
    if 400 <= code < 500:
        of_code = FailureScope.SERVER if code == 421 else FailureScope.MAILBOX
        about = FailureScope.DOMAIN if status.startswith("4.7.") else of_code
        return DeliveryResult(DeliveryStatus.DEFERRED, f"smtp_{code}", about)
    if code == 552 and (MAILBOX_FULL in said or not after_dot):
        return DeliveryResult(DeliveryStatus.DEFERRED, f"smtp_{code}")
    if 500 <= code < 600:
        return DeliveryResult(DeliveryStatus.REFUSED, f"smtp_{code}")
    return DeliveryResult(
        DeliveryStatus.UNKNOWN if after_dot else DeliveryStatus.DEFERRED, "smtp_garbled"
    )
