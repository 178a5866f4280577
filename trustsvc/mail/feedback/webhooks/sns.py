"""Messages of Amazon SNS: who signed them, for which topic, when.

Source: the SNS developer guide, "Verifying the signatures of Amazon SNS messages".
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from trustsvc import input_limits
from trustsvc.errors import Refused, Unauthorised, Unavailable
from trustsvc.http import client
from trustsvc.mail.feedback.webhooks import certificates

# SNS tries for an hour at most, and an operator may send on what lay in a queue of the undelivered.
# An old one does no harm: what comes twice counts once.
OLDEST = timedelta(days=1)
AHEAD = timedelta(minutes=15)
_ALWAYS = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A message whose form is right; its signature is not checked yet."""

    fields: Mapping[str, str]

    def __repr__(self) -> str:
        return "Message(…)"

    @property
    def kind(self) -> str:
        return self.fields["Type"]


def read(body: bytes) -> SnsMessage:
    """Read a body; raises Refused for what is no JSON, or no message of SNS."""
    fields = as_json(body)
    kind = fields.get("Type")
    needed = _SIGNED.get(kind) if isinstance(kind, str) else None
    if needed is None:
        raise Refused("It is no message of Amazon SNS.")
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    missing = {*needed, *_ALWAYS, "Signature", "SignatureVersion", "SigningCertURL"} - texts.keys()
    if missing - {"Subject"}:
        raise Refused("It is no message of Amazon SNS.")
    return SnsMessage(texts)


def as_json(body: bytes) -> dict[str, object]:
    """Read a JSON object; raises Refused for anything else."""
    try:
        parsed = input_limits.read_json(body)
    except ValueError:
        raise Refused("The body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise Refused("The body is not a JSON object.")
    return parsed


def check(
    message: SnsMessage,
    topic: str,
    now: datetime,
    fetch: certificates.FetchCertificate = client.get,
) -> None:
    """Check topic, age and signature, in this order: a stranger's topic makes us ask nobody.

    Raises Unauthorised, and Unavailable where the certificate cannot be had now.
    """
    given = message.fields
    if given["TopicArn"] != topic or not _is_fresh(given["Timestamp"], now):
        raise Unauthorised
    algorithm = _HASHES.get(given["SignatureVersion"])
    if algorithm is None:
        raise Unauthorised
    key = certificates.find(given["SigningCertURL"], topic.split(":")[3], now, fetch)
    try:
        signature = base64.b64decode(given["Signature"], validate=True)
        key.verify(signature, canonical(given), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError):
        raise Unauthorised from None


def confirm(
    message: SnsMessage, topic: str, fetch: certificates.FetchCertificate = client.get
) -> None:
    """Confirm to Amazon that this endpoint wants the topic; call `check` first.

    The address is made here from the token: what SubscribeURL says is only held against it, because
    it could lead inside (novu PR 11223). Raises Unauthorised, and Unavailable for no answer.
    """
    subscribe_url, region = message.fields["SubscribeURL"], topic.split(":")[3]
    token = message.fields["Token"]
    if certificates.region_of(subscribe_url) != region or not (token.isalnum() and token.isascii()):
        raise Unauthorised
    ask = {"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token}
    try:
        fetch(f"https://{urlsplit(subscribe_url).netloc}/?{urlencode(ask)}")
    except client.Unreachable:
        raise Unavailable from None


def canonical(given: Mapping[str, str]) -> bytes:
    """Write what is signed: names and values, a line each; a subject only if there is one."""
    names = [name for name in _SIGNED[given["Type"]] if name in given]
    return "".join(f"{name}\n{given[name]}\n" for name in names).encode("utf-8", "surrogatepass")


def _is_fresh(text: str, now: datetime) -> bool:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return now - OLDEST <= at <= now + AHEAD
