"""Which shop sent a webhook: the webhook signature check against the secrets of its endpoint.

How a platform signs is in orders/platforms; this module is given that as a function.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from trustsvc.crypto import encrypted_column, keyring
from trustsvc.errors import Unauthorised
from trustsvc.shops import directory
from trustsvc.shops.models import shops


class WrongSignature(Unauthorised):
    """An open endpoint of this platform, and a signature by none of its secrets."""

    def __init__(self, shop_id: int) -> None:
        super().__init__()
        self.shop_id = shop_id


_DECOY = secrets.token_urlsafe(32)
LIFETIME_S = 1.0
MAX_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A shop whose newest secret just signed a webhook. `until` is of the monotonic clock."""

    shop: directory.Shop
    secret: str = field(repr=False)
    until: float


# By platform and endpoint; the process alone has it, for a second.
_remembered: dict[tuple[str, str], _Remembered] = {}
_forgotten = 0  # how often


def forget() -> None:
    """Forget who just signed: for whoever changes a shop, in this process."""
    global _forgotten  # noqa: PLW0603 - one number a process
    _forgotten += 1
    _remembered.clear()


def authenticate(
    open_reading: Callable[[], AbstractContextManager[Session]],
    platform: str,
    endpoint_id: str,
    is_signed_with: Callable[[str], bool],
    now: datetime,
) -> directory.Shop:
    """Return the shop of an endpoint when one of its two valid secrets signed the request.

    Raises Unauthorised for an unknown or closed endpoint, for one of another platform, and for a
    bad signature. All look the same and take about the same time: two secrets are always decrypted
    and two signatures checked. Only the caller learns from WrongSignature whose endpoint it
    was. A shop that just signed with its newest secret is remembered for a second, so what
    changes, closes or rotates takes effect within a second in each process (docs/adr/0033).
    """
    begun, forgotten = time.monotonic(), _forgotten
    remembered = _remembered.get((platform, endpoint_id))
    if remembered and begun < remembered.until:
        if is_signed_with(remembered.secret):
            return remembered.shop
        # Not checked again below, so that a wrong signature takes as long as without it.
        checked = remembered.secret
    else:
        checked = ""
    with open_reading() as session:
        row = session.execute(
            select(shops.c.id, shops.c.secret, shops.c.old_secret, shops.c.old_secret_until).where(
                _is_open_endpoint(platform, endpoint_id)
            )
        ).first()
    secret, old = (row.secret, row.old_secret) if row else (_decoy(), None)
    if old is None or row is None or row.old_secret_until is None or row.old_secret_until <= now:
        old = _decoy()
    is_newest = secret != checked and is_signed_with(secret)
    matches = [is_newest, is_signed_with(old)]
    if row is None:
        raise Unauthorised
    if not any(matches):
        raise WrongSignature(row.id)
    with open_reading() as session:  # only now, so that a known endpoint takes no longer
        shop = directory.by_id(session, row.id)
    if is_newest and forgotten == _forgotten:  # no shop was changed since the row was read
        _remember((platform, endpoint_id), _Remembered(shop, secret, begun + LIFETIME_S))
    return shop


def _remember(endpoint: tuple[str, str], signed: _Remembered) -> None:
    now = time.monotonic()
    for old, one in list(_remembered.items()):  # in the order in which they end
        if one.until > now and len(_remembered) < MAX_REMEMBERED:
            break
        _remembered.pop(old, None)
    _remembered.pop(endpoint, None)
    _remembered[endpoint] = signed


def endpoint_shop_id(session: Session, platform: str, endpoint_id: str) -> int | None:
    """Return whose open endpoint it is, of a request that was not authenticated."""
    shop_id: int | None = session.scalar(
        select(shops.c.id).where(_is_open_endpoint(platform, endpoint_id))
    )
    return shop_id


def _is_open_endpoint(platform: str, endpoint_id: str) -> ColumnElement[bool]:
    return and_(
        shops.c.endpoint_id == endpoint_id,
        shops.c.platform == platform,
        shops.c.closed_at.is_(None),
    )


_encrypted: dict[tuple[keyring.Key, ...], bytes] = {}


def _decoy() -> str:
    """A secret nobody has, decrypted like a real one."""
    ring = keyring.keys("vault")
    if ring not in _encrypted:
        _encrypted.clear()
        _encrypted[ring] = encrypted_column.encrypt(_DECOY)
    return encrypted_column.decrypt(_encrypted.get(ring) or encrypted_column.encrypt(_DECOY))
