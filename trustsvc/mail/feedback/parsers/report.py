"""A report on a message, in terms of our own."""

from dataclasses import dataclass
from typing import Literal

# delivered: arrived, as far as its mail server says · delayed: still being tried by others · soft:
# given up, and another day may be better · hard: there is nobody at this address · complaint: the
# reader does not want it
ReportKind = Literal["delivered", "delayed", "soft", "hard", "complaint"]


@dataclass(frozen=True, slots=True)
class Report:
    """`status` is an enhanced status code (RFC 3463) or a provider's own word, never its text.

    `codes` are the message codes it names, the likeliest first.
    """

    kind: ReportKind
    status: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IgnoredReport:
    """No delivery report; the reason is a code."""

    reason: str
