"""A letter's code: names it to whoever sends reports about it, and nobody else can make one.

26 signs of base32 (a local part's case is not kept by everybody): 10 bytes of a keyed digest over
the letter's number, kind and random link, and its number hidden by another. So a code tells nobody
how many letters there are, and none of a letter that a restored database has forgotten fits the
one that got its number since. It stands in the envelope's sender (VERP), in the Message-ID, and in
what a provider gives back.
"""

import base64
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.invitations.models import invitations, messages

_CODE = re.compile(r"[a-z2-7]{26}", re.IGNORECASE)
MOST_TRIED = 8
_TAG, _NUMBER = 10, 6


def code(letter_id: int, kind: str, link: bytes) -> str:
    """Make the code of a letter, alike at each try, also when a key is rotated in between."""
    secret = keyring.keys("lookup")[0].secret
    tag = _tag(secret, letter_id, kind, link)
    hidden = _hidden(secret, tag, letter_id)
    return base64.b32encode(tag + hidden.to_bytes(_NUMBER)).decode().rstrip("=").lower()


def find(session: Session, codes: Iterable[str]) -> int | None:
    """Give the letter that the first good one of these codes names; None for none of ours."""
    tried = [
        (secret, raw[:_TAG], _hidden(secret, raw[:_TAG], int.from_bytes(raw[_TAG:])))
        for raw in map(_bytes, list(codes)[:MOST_TRIED])
        if raw
        for secret in (key.secret for key in keyring.keys("lookup"))
    ]
    rows = session.execute(
        select(messages.c.id, messages.c.kind, invitations.c.link)
        .join(invitations, invitations.c.id == messages.c.invitation_id)
        .where(messages.c.id.in_({number for _, _, number in tried}))
    )
    of = {row.id: row for row in rows}
    for secret, tag, number in tried:
        if number in of and pseudonyms.constant_time_equal(_tag(secret, *of[number]), tag):
            return number
    return None


def address(of: str) -> str:
    """Write the envelope's sender of a letter by its code; empty where no setting names one."""
    local, at, domain = config.current().mail_return.rpartition("@")
    return f"{local}+{of}{at}{domain}" if at else ""


def marks(of: str) -> dict[str, str]:
    """Write the headers by which a provider tells of a letter: each replaces our sender by its own.

    Only for the provider at whose door the letters are handed over; both take them out again.
    """
    host = urlsplit(config.current().mail_url).hostname or ""
    if host.endswith(".postmarkapp.com"):
        return {"X-PM-Metadata-letter": of}
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return {"X-SES-MESSAGE-TAGS": f"letter={of}"}
    return {}


def _bytes(text: str) -> bytes:
    return base64.b32decode(text.upper() + "======") if _CODE.fullmatch(text) else b""


def _tag(secret: bytes, letter_id: int, kind: str, link: bytes) -> bytes:
    return pseudonyms.hmac_sha256(secret, f"letter:{letter_id}:{kind}:{link.hex()}")[:_TAG]


def _hidden(secret: bytes, tag: bytes, number: int) -> int:
    """Hide a number under its tag, or find it again: done twice it is the number."""
    pad = pseudonyms.hmac_sha256(secret, f"hide letter:{tag.hex()}")[:_NUMBER]
    return int.from_bytes(pad) ^ number
