"""Recognise which shop knocks: its door, its platform, and a signature by one of its secrets."""

import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.crypto import encrypted_column, keyring
from trustsvc.errors import Unauthorised
from trustsvc.shops import directory
from trustsvc.shops.models import shops

_DECOY = secrets.token_urlsafe(32)


def authenticate(
    session: Session,
    platform: str,
    endpoint_id: str,
    is_signed_with: Callable[[str], bool],
    now: datetime,
) -> directory.Shop:
    """Give the shop behind a door when one of its two live secrets signed the request.

    Raises Unauthorised, the same and at about the same price, for a door that does not exist or was
    closed, a door of another platform, and a bad signature: always two secrets are unsealed and two
    signatures checked. Nothing is remembered between requests, so a rotation holds at once.
    """
    row = session.execute(
        select(shops.c.id, shops.c.secret, shops.c.old_secret, shops.c.old_secret_until).where(
            shops.c.endpoint_id == endpoint_id,
            shops.c.platform == platform,
            shops.c.closed_at.is_(None),
        )
    ).first()
    secret, old = (row.secret, row.old_secret) if row else (_decoy(), None)
    if old is None or row is None or row.old_secret_until is None or row.old_secret_until <= now:
        old = _decoy()
    matches = [is_signed_with(secret), is_signed_with(old)]
    if row is None or not any(matches):
        raise Unauthorised
    return directory.by_id(session, row.id)


_sealed: dict[tuple[keyring.Key, ...], bytes] = {}


def _decoy() -> str:
    """A secret nobody has, unsealed as a real one is."""
    ring = keyring.keys("vault")
    if ring not in _sealed:
        _sealed.clear()
        _sealed[ring] = encrypted_column.encrypt(_DECOY)
    return encrypted_column.decrypt(_sealed.get(ring) or encrypted_column.encrypt(_DECOY))
