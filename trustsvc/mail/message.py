"""A message, what an attempt to send it gave, and its bytes: two alternatives, no header injection.

Headers are not written by email.message: on Python 3.11.7 it lets an encoded word inject a line
(CVE-2024-6923), and it takes twenty times as long. A name becomes one line, anything but plain
letters an RFC 2047 word, an address is checked character by character.
tests/mail/test_message.py parses hostile messages with both parsers.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import Enum
from typing import Protocol

from trustsvc import address

MAX_NAME = 100
MAX_SUBJECT = 200
WORD_BYTES = (
    33  # 44 characters of base64 and 12 around: with its header's name one line of at most 76
)
BOUNDARY = "=_trustsvc"  # "=_" can never stand in quoted-printable text, where "=" is "=3D"

_PLAIN = re.compile(r"[A-Za-z0-9 .,'&()+!/-]{1,50}")
_LOOKS_ENCODED = re.compile(r"=\?|\?=")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{1,60}\]")
_HEADER = re.compile(r"[A-Za-z][A-Za-z-]{0,60}")
_VALUE = re.compile(r"[!-~][ -~]{0,900}")
_PART_HEAD = {
    kind: (
        f"--{BOUNDARY}\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()
    for kind in ("plain", "html")
}
_OURS = {"from", "to", "subject", "date", "message-id", "mime-version", "auto-submitted"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person. `to_bytes` checks it: no header is injected."""

    to_address: str
    to_name: str
    from_name: str
    subject: str
    text: str
    html: str
    message_id: str
    at: datetime
    headers: dict[str, str] = field(default_factory=dict)
    return_path: str = ""  # envelope sender, for bounces; empty: the settings'
    is_transactional: bool = False  # kept in the default maildir for three days only

    def __repr__(self) -> str:
        return "Message(…)"


class SendStatus(Enum):
    """What became of a message."""

    SENT = "sent"
    DEFERRED = "later"  # refused for now, or connection lost before the end of DATA: may be resent
    REFUSED = "refused"  # a permanent refusal
    UNKNOWN = "unknown"  # connection lost between the end of DATA and its reply (RFC 1047)
    UNTRIED = "untried"  # the mail server takes no further connection: over another one, later


class FailureScope(Enum):
    """What a refusal is about."""

    MAILBOX = "mailbox"  # or nothing in particular
    DOMAIN = "domain"  # the receiving domain refuses our mail, or so much of it (x.7.x)
    RATE = "rate"  # our own mail server takes no more for now (relay rate)
    SERVER = "server"  # our own mail server: away, closing, or it refuses our session


@dataclass(frozen=True, slots=True)
class SendResult:
    status: SendStatus
    reason: str = ""  # a code such as smtp_550 or no_connection, never the server's text
    scope: FailureScope = field(default=FailureScope.MAILBOX, compare=False)


class MailTransport(Protocol):
    def send(self, message: Message, before_end_of_data: Callable[[], None]) -> SendResult:
        """Send a message.

        `before_end_of_data` is called when all but the end of DATA has been sent; once it returned,
        only the mail server can know. What it raises is passed on, and the message does not leave.
        Never raises for what a mail server or a network does.
        """
        ...


class UnwritableMessage(ValueError):
    """The message cannot be written; the exception's text is a code."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom, to whom, and the bytes (lines end in CRLF); `utf8` needs SMTPUTF8 (RFC 6531)."""

    sender: str
    recipient: str
    data: bytes
    utf8: bool

    def __repr__(self) -> str:
        return "Envelope(…)"


def one_click(stop: str) -> dict[str, str]:
    """Give the headers by which mail programs stop it with a button of their own (RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def reply_to(mail_address: str) -> dict[str, str]:
    """Give the header that leads an answer elsewhere than to the sender; none for no address."""
    return {"Reply-To": mail_address} if mail_address else {}


def to_bytes(message: Message, sender: str) -> Envelope:
    """Write the bytes of a message; `sender` is the address of the settings.

    Signed where there is a key (mail/dkim.py). The same message gives the same bytes. Raises
    UnwritableMessage for an invalid address, or a header that is not one line of ASCII, and
    Misconfigured for a key that cannot be used.
    """
    from trustsvc.mail import dkim

    recipient = _recipient(message.to_address)
    head = [
        f"From: {_person(message.from_name, sender)}",
        f"To: {_person(message.to_name, recipient)}",
        f"Subject: {_words(single_line(message.subject, MAX_SUBJECT), quoted=False)}",
        f"Date: {format_datetime(message.at)}",
        f"Message-ID: {_value(f'<{message.message_id}>')}",
        "Auto-Submitted: auto-generated",
        *(_header(name, value) for name, value in message.headers.items()),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"',
        "\r\n",
    ]
    body = _part("plain", message.text) + _part("html", message.html)
    data = "\r\n".join(head).encode() + body + f"--{BOUNDARY}--\r\n".encode()
    return Envelope(_sender(message, sender), recipient, dkim.signed(data), not recipient.isascii())


def ascii_address(text: str) -> str:
    """Check an address that a header names; raises UnwritableMessage for one that it cannot."""
    checked = _recipient(text)
    if not checked.isascii():
        raise UnwritableMessage("address")
    return checked


def single_line(text: str, most: int = MAX_NAME) -> str:
    """Make one line of a name: no control, no direction marks, nothing that looks encoded.

    Cuts what is too long; twice changes nothing more.
    """
    kept = []
    for sign in unicodedata.normalize("NFC", text):
        category = unicodedata.category(sign)
        if category[0] == "Z" or category == "Cc":
            kept.append(" ")
        elif category[0] != "C":
            kept.append(sign)
    plain = _LOOKS_ENCODED.sub(" ", "".join(kept))
    return " ".join(plain.split())[:most].strip()


def _person(name: str, mail_address: str) -> str:
    words = _words(single_line(name), quoted=True)
    if not words:
        return f"<{mail_address}>" if mail_address.isascii() else f"\r\n <{mail_address}>"
    folded = len(words) + len(mail_address) > 60
    return f"{words}\r\n <{mail_address}>" if folded else f"{words} <{mail_address}>"


def _words(text: str, *, quoted: bool) -> str:
    """Write text for a header: as it is where it is plain, else in encoded words (RFC 2047)."""
    if not text:
        return ""
    if _PLAIN.fullmatch(text):
        return f'"{text}"' if quoted else text
    words, word = [], b""
    for sign in text:
        encoded = sign.encode()
        if len(word) + len(encoded) > WORD_BYTES:
            words.append(word)
            word = b""
        word += encoded
    words.append(word)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(one).decode()}?=" for one in words)


def _recipient(text: str) -> str:
    try:
        domain = address.normalise(text).rpartition("@")[2]
    except address.NotAnAddress:
        raise UnwritableMessage("address") from None
    local = unicodedata.normalize("NFC", text.strip()).rpartition("@")[0]
    if "=?" in local or len(local.encode()) > 64:
        raise UnwritableMessage("address")
    ascii_part = "".join(sign if sign.isascii() else "a" for sign in local)
    if not _LOCAL.fullmatch(ascii_part):
        raise UnwritableMessage("address")
    return f"{local}@{domain}"


def _sender(message: Message, sender: str) -> str:
    local, _, domain = message.return_path.rpartition("@")
    if not message.return_path:
        return sender
    if not _LOCAL.fullmatch(local) or len(local) > 64 or not _DOMAIN.fullmatch(domain):
        raise UnwritableMessage("return_path")
    return message.return_path


def _header(name: str, value: str) -> str:
    if not _HEADER.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("content-"):
        raise UnwritableMessage("header")
    return f"{name}: {_value(value)}"


def _value(value: str) -> str:
    if not _VALUE.fullmatch(value) or "=?" in value:
        raise UnwritableMessage("header")
    return value


def _part(kind: str, text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if not lines.endswith("\n"):
        lines += "\n"
    coded = binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True)
    return _PART_HEAD[kind] + coded.replace(b"\n", b"\r\n") + b"\r\n"
