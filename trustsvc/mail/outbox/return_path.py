"""A message's code: it names the message in reports, and nobody else can make one.

26 characters of base32, because a local part's case is not kept by everybody: the random token of
the message. It tells nobody how many messages there are, and none of a message that a restored
database has forgotten names another one. It stands in the envelope's sender (VERP), in the
Message-ID, and in what a provider gives back.
"""

import base64
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.mail.outbox.kinds import ReportedMessage
from trustsvc.mail.outbox.models import messages

_CODE = re.compile(r"[a-z2-7]{26}", re.IGNORECASE)
MAX_TRIED = 8


def code(token: bytes) -> str:
    """Make the code of a message from its token."""
    return base64.b32encode(token).decode().rstrip("=").lower()


def find(session: Session, codes: Iterable[str]) -> ReportedMessage | None:
    """Find the message that the first good one of these codes names; None for none of ours."""
    tokens = [token for token in map(_token, list(codes)[:MAX_TRIED]) if token]
    rows = session.execute(
        select(
            messages.c.token,
            messages.c.id,
            messages.c.kind,
            messages.c.subject_id,
            messages.c.state,
        ).where(messages.c.token.in_(tokens))
    )
    known = {row.token: ReportedMessage(*row[1:]) for row in rows}
    return next((known[token] for token in tokens if token in known), None)


def address(of: str) -> str:
    """Write the envelope's sender of a message by its code; empty where no setting names one."""
    local, at, domain = config.current().mail_return.rpartition("@")
    return f"{local}+{of}{at}{domain}" if at else ""


def provider_headers(of: str) -> dict[str, str]:
    """Write the headers by which a provider names a message that replaces our envelope's sender.

    Only for the provider that the messages are handed to; both take the header out again.
    """
    host = urlsplit(config.current().mail_url).hostname or ""
    if host.endswith(".postmarkapp.com"):
        return {"X-PM-Metadata-letter": of}
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return {"X-SES-MESSAGE-TAGS": f"letter={of}"}
    return {}


def _token(text: str) -> bytes:
    """Decode a code; of several spellings of one token (26 characters hold two bits more) one."""
    token = base64.b32decode(text.upper() + "======") if _CODE.fullmatch(text) else b""
    return token if token and code(token) == text.lower() else b""
