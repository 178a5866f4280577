"""A letter, what can become of it, and its bytes: two alternatives, and headers nobody can add to.

The headers are written here rather than by email.message: on Python 3.11.7 that lets an encoded
word smuggle a line into them (CVE-2024-6923), and it takes twenty times as long. A name is made one
clean line, everything but plain letters is an RFC 2047 word, an address is checked sign by sign.
tests/mail/test_message.py reads hostile letters back with both parsers.
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
from trustsvc.mail import dkim

MAX_NAME = 100
MAX_SUBJECT = 200
WORD_BYTES = 33  # 44 signs of base64 and 12 around: with its header's name one line of at most 76
BOUNDARY = "=_trustsvc"  # "=_" can never stand in quoted-printable text, where "=" is "=3D"

_PLAIN = re.compile(r"[A-Za-z0-9 .,'&()+!/-]{1,50}")
_LOOKS_ENCODED = re.compile(r"=\?|\?=")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{1,60}\]")
_HEADER = re.compile(r"[A-Za-z][A-Za-z-]{0,60}")
_VALUE = re.compile(r"[!-~][ -~]{0,900}")
_OURS = {"from", "to", "subject", "date", "message-id", "mime-version", "auto-submitted"}


@dataclass(frozen=True, slots=True)
class Message:
    """One letter to one person. Its bytes are checked before they leave: no header is injected."""

    to_address: str
    to_name: str
    from_name: str
    subject: str
    text: str
    html: str
    message_id: str
    at: datetime
    headers: dict[str, str] = field(default_factory=dict)
    return_path: str = ""  # the envelope's sender, where reports come back to; else the settings'
    is_transactional: bool = (
        False  # answers or confirms: nobody needs it in the default maildir for long
    )

    def __repr__(self) -> str:
        return "Letter(…)"


class DeliveryStatus(Enum):
    """What became of a letter."""

    SENT = "sent"
    DEFERRED = (
        "later"  # a temporary refusal or a line that broke before the final dot: safe to resend
    )
    REFUSED = "refused"  # a permanent refusal
    UNKNOWN = "unknown"  # the line broke between the final dot and the answer (RFC 1047)


class FailureScope(Enum):
    """What a refusal speaks of; who only wants to know whether the letter left need not ask."""

    MAILBOX = "mailbox"  # or nothing in particular
    DOMAIN = "domain"  # the receiving side does not want letters of ours, or not so many (x.7.x)
    SERVER = "server"  # our own mail server: away, closing, or it refuses our session


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    status: DeliveryStatus
    reason: str = ""  # a code such as smtp_550 or no_connection, never the server's text
    scope: FailureScope = field(default=FailureScope.MAILBOX, compare=False)


class MailTransport(Protocol):
    def send(self, letter: Message, before_end_of_data: Callable[[], None]) -> DeliveryResult:
        """Hand a letter over.

        `before_end_of_data` is called when everything but the final dot has been said; once it returned,
        only the mail server can know. What it raises goes on to the caller, and the letter does not
        leave. Never raises for what a mail server or a network does.
        """
        ...


class UnwritableMessage(ValueError):
    """The letter cannot be written; the message is a code."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom, to whom, and the bytes (lines end in CRLF); `utf8` needs SMTPUTF8 (RFC 6531)."""

    sender: str
    recipient: str
    data: bytes
    utf8: bool

    def __repr__(self) -> str:
        return "Envelope(…)"


def to_bytes(letter: Message, sender: str) -> Envelope:
    """Write the bytes of a letter; `sender` is the address of the settings.

    Signed where there is a key (mail/dkim.py). Alike for the same letter. Raises Unwritable for an
    address that is none, or a header that is not one line of plain signs, and Misconfigured for a
    key that cannot be used.
    """
    recipient = _recipient(letter.to_address)
    head = [
        f"From: {_person(letter.from_name, sender)}",
        f"To: {_person(letter.to_name, recipient)}",
        f"Subject: {_words(single_line(letter.subject, MAX_SUBJECT), quoted=False)}",
        f"Date: {format_datetime(letter.at)}",
        f"Message-ID: {_value(f'<{letter.message_id}>')}",
        "Auto-Submitted: auto-generated",
        *(_header(name, value) for name, value in letter.headers.items()),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"',
        "",
    ]
    lines = [*head, *_part("plain", letter.text), *_part("html", letter.html), f"--{BOUNDARY}--"]
    data = "\r\n".join([*lines, ""]).encode()
    return Envelope(_sender(letter, sender), recipient, dkim.signed(data), not recipient.isascii())


def single_line(text: str, most: int = MAX_NAME) -> str:
    """Make one line of a name: no control, no direction marks, nothing that looks encoded.

    Cuts what is too long; twice changes nothing more.
    """
    kept = []
    for letter in unicodedata.normalize("NFC", text):
        category = unicodedata.category(letter)
        if category[0] == "Z" or category == "Cc":
            kept.append(" ")
        elif category[0] != "C":
            kept.append(letter)
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
    for letter in text:
        signs = letter.encode()
        if len(word) + len(signs) > WORD_BYTES:
            words.append(word)
            word = b""
        word += signs
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
    ascii_part = "".join(letter if letter.isascii() else "a" for letter in local)
    if not _LOCAL.fullmatch(ascii_part):
        raise UnwritableMessage("address")
    return f"{local}@{domain}"


def _sender(letter: Message, sender: str) -> str:
    local, _, domain = letter.return_path.rpartition("@")
    if not letter.return_path:
        return sender
    if not _LOCAL.fullmatch(local) or len(local) > 64 or not _DOMAIN.fullmatch(domain):
        raise UnwritableMessage("return_path")
    return letter.return_path


def _header(name: str, value: str) -> str:
    if not _HEADER.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("content-"):
        raise UnwritableMessage("header")
    return f"{name}: {_value(value)}"


def _value(value: str) -> str:
    if not _VALUE.fullmatch(value) or "=?" in value:
        raise UnwritableMessage("header")
    return value


def _part(kind: str, text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if not lines.endswith("\n"):
        lines += "\n"
    coded = binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True).decode("ascii")
    return [
        f"--{BOUNDARY}",
        f"Content-Type: text/{kind}; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        *coded.split("\n"),
    ]
