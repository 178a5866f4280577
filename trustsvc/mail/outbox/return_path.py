"""A message's code: it names the message in reports, and nobody else can make one.

26 characters of base32, because a local part's case is not kept by everybody: the random token of
the message under a key, one block of AES. So nobody who reads the database can make a code, and a
code tells nobody how many messages there are. A code of a message that a restored database does not
know names no other message. It stands in the envelope's sender (VERP), in the Message-ID, and in
what a provider gives back.
"""

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.mail.outbox import kinds
from trustsvc.mail.outbox.kinds import ReportedMessage
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import MessageState

_CODE = re.compile(r"[a-z2-7]{26}", re.IGNORECASE)
MAX_TRIED = 8


def code(token: bytes) -> str:
    """Make the code of a message from its token, alike at each attempt and after a rotation."""
    return _spelt(_cipher(keyring.keys("lookup")[0]).encryptor().update(token))


def find(session: Session, codes: Iterable[str]) -> ReportedMessage | None:
    """Find the message that the first good one of these codes names; None for none of ours.

    None too for a message of a kind that this version does not know.
    """
    given = [raw for raw in map(_bytes, list(codes)[:MAX_TRIED]) if raw]
    keys = keyring.keys("lookup")
    tokens = [_cipher(key).decryptor().update(raw) for raw in given for key in keys]
    rows = session.execute(
        select(
            messages.c.token,
            messages.c.id,
            messages.c.kind,
            messages.c.subject_id,
            messages.c.state,
        ).where(messages.c.token.in_(tokens), messages.c.kind.in_(kinds.names(kinds.registered())))
    )
    known = {
        row.token: ReportedMessage(
            id=row.id, kind=row.kind, subject_id=row.subject_id, state=MessageState(row.state)
        )
        for row in rows
    }
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


def _bytes(text: str) -> bytes:
    """Read a code; of several spellings of one (26 characters hold two bits more) only one."""
    raw = base64.b32decode(text.upper() + "======") if _CODE.fullmatch(text) else b""
    return raw if raw and _spelt(raw) == text.lower() else b""


def _spelt(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


@lru_cache(maxsize=keyring.MAX_VERSIONS)
def _cipher(key: keyring.Key) -> Cipher[modes.ECB]:
    derived = pseudonyms.hmac_sha256(key.secret, "message code")
    # One block of random bytes: as a permutation under a key it can be undone, and not be made.
    return Cipher(algorithms.AES(derived), modes.ECB())  # noqa: S305
