"""What the letters that answer somebody hold: told and forgotten by the address's mark."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.transactional_mail.enqueue import THE_SERVICE
from trustsvc.transactional_mail.models import correspondence


def recipient_pseudonyms(address: str) -> list[bytes]:
    """Give the marks by which letters to an address are known; raises NotAnAddress."""
    return pseudonyms.shop_pseudonyms(THE_SERVICE, address)


def export_mail(session: Session, who: Collection[bytes]) -> dict[str, list[dict[str, Any]]]:
    """Give every letter to this address that is still known."""
    rows = session.execute(
        select(correspondence).where(correspondence.c.who.in_(who)).order_by(correspondence.c.id)
    ).mappings()
    return {"correspondence": [dict(row) for row in rows]}


def erase_mail(session: Session, who: Collection[bytes]) -> int:
    """Delete letters to this address, sent or not; whatever confirms it is written afterwards."""
    done = session.execute(delete(correspondence).where(correspondence.c.who.in_(who)))
    return int(done.rowcount)  # type: ignore[attr-defined]
