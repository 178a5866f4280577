"""Letters out of the house: SMTP with many letters over one connection, or a maildir.

What a letter is and what can become of it; the two ways out are in mail_smtp.py and mail_maildir.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one person. Its bytes are checked before they leave: no header is ever injected."""

    to_address: str
    to_name: str
    from_name: str
    subject: str
    text: str
    html: str
    message_id: str
    at: datetime
    headers: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Letter(…)"


class Fate(Enum):
    """What became of a letter."""

    SENT = "sent"
    LATER = "later"  # a temporary refusal or a line that broke before the final dot: safe to resend
    REFUSED = "refused"  # a permanent refusal
    UNKNOWN = "unknown"  # the line broke between the final dot and the answer (RFC 1047)


@dataclass(frozen=True, slots=True)
class Outcome:
    fate: Fate
    problem: str = ""  # a code such as smtp_550 or no_connection, never the server's text


class Postbox(Protocol):
    def post(self, letter: Letter, before_dot: Callable[[], None]) -> Outcome:
        """Hand a letter over.

        `before_dot` is called when everything but the final dot has been said; once it returned, only
        the mail server can know. Never raises for what a mail server or a network does.
        """
        ...


@contextmanager
def open_postbox(url: str) -> Iterator[Postbox]:
    """Open the way out that TRUSTSVC_MAIL_URL names; one connection for as many letters as it takes."""
    raise NotImplementedError
    yield
