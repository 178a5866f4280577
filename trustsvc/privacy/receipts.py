"""Signed receipts of deletions, chained: each signs the signature of the one before.

The signed text is UTF-8, moments in UTC, the previous signature in hex (empty for the first), each
line ended by a line feed:

    trustsvc receipt 1
    at 2026-11-21T10:00:00.000Z
    what buyer_contact
    number 12
    before 2026-08-23T10:00:00.000Z
    previous 3f…

A changed, missing or inserted receipt breaks the chain from there on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from trustsvc.crypto import keyring
from trustsvc.privacy.models import receipts
from trustsvc.storage import db


@dataclass(frozen=True, slots=True)
class Receipt:
    """A deletion at a moment: how many rows or files by which rule, all older than `before`."""

    at: datetime
    what: str
    number: int
    before: datetime


def write(session: Session, receipt: Receipt) -> bytes:
    """Sign a receipt and append it; gives the signature.

    Call it in the transaction of the deletion, so that both commit or neither. One writer at a
    time: on PostgreSQL the table is locked until the transaction ends.
    """
    if not db.is_sqlite():
        session.execute(text("LOCK TABLE receipts IN SHARE ROW EXCLUSIVE MODE"))
    newest = select(receipts.c.signature).order_by(receipts.c.id.desc()).limit(1)
    previous = session.scalar(newest) or b""
    key = Ed25519PrivateKey.from_private_bytes(keyring.newest_key("receipt").secret)
    signature = key.sign(signed_text(receipt, previous))
    session.execute(
        receipts.insert().values(
            at=receipt.at,
            what=receipt.what,
            number=receipt.number,
            before=receipt.before,
            previous=previous,
            signature=signature,
        )
    )
    return signature


def chain(session: Session) -> Iterator[tuple[Receipt, bytes, bytes]]:
    """Read all receipts, oldest first, each with the previous signature and its own."""
    table = receipts.c
    columns = (table.at, table.what, table.number, table.before, table.previous, table.signature)
    for row in session.execute(select(*columns).order_by(table.id)):
        yield Receipt(row.at, row.what, row.number, row.before), row.previous, row.signature


def newest(session: Session, most: int) -> list[Receipt]:
    """Read the newest receipts, newest first."""
    table = receipts.c
    columns = (table.at, table.what, table.number, table.before)
    rows = session.execute(select(*columns).order_by(table.id.desc()).limit(most))
    return [Receipt(*row) for row in rows]


def verify(session: Session) -> bool:
    """Say whether the chain holds: each signature by a key of ours, each receipt in its place."""
    secrets = [key.secret for key in reversed(keyring.keys("receipt"))]
    public = [Ed25519PrivateKey.from_private_bytes(secret).public_key() for secret in secrets]
    last = b""
    for receipt, previous, signature in chain(session):
        message = signed_text(receipt, previous)
        if previous != last or not any(_signed(key, signature, message) for key in public):
            return False
        last = signature
    return True


def signed_text(receipt: Receipt, previous: bytes) -> bytes:
    """Give the bytes that are signed."""
    lines = (
        "trustsvc receipt 1",
        f"at {_timestamp(receipt.at)}",
        f"what {receipt.what}",
        f"number {receipt.number}",
        f"before {_timestamp(receipt.before)}",
        f"previous {previous.hex()}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _timestamp(at: datetime) -> str:
    # Whole milliseconds, cut and not rounded, as the database stores them.
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _signed(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(bytes(signature), message)
    except InvalidSignature:
        return False
    return True
