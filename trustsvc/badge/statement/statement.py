"""The statement that the service signs: the score of a domain, and until when it is valid. Pure.

It is bound to a domain (`sub`), so that a copied badge is detected, and expires (`exp`), so that
an abandoned badge proves nothing. Names as in RFC 7519.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trustsvc.badge.statement import jws

# A week after the day of signing: caches may serve a stale badge as long in an outage.
LIFETIME = timedelta(days=8)
LEEWAY = timedelta(hours=1)  # for clocks that are wrong, ours and the reader's


class Statement(msgspec.Struct, frozen=True):
    """Issuer `iss` states for the site `sub`: this shop's number of reviews and mean."""

    iss: str
    sub: str
    shop: str
    score: float
    count: int
    iat: int
    exp: int

    @property
    def until(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.exp)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253402300799  # the end of the year 9999


def validity(now: datetime) -> tuple[int, int]:
    """Begin and end of validity of a statement made now, in seconds since 1970.

    Begins with the day in UTC, so that its bytes stay the same until the score or the day changes.
    """
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp()), int((day + LIFETIME).timestamp())


def encode(statement: Statement, key: Ed25519PrivateKey, kid: str) -> str:
    """Sign a statement: about 300 characters."""
    header = msgspec.json.encode({"alg": jws.ALG, "kid": kid})
    return jws.sign(header, msgspec.json.encode(statement), key)


def decode(text: str, keys: Mapping[str, Ed25519PublicKey]) -> Statement:
    """Read a statement and check its signature; raises NotSigned.

    It does not check time or place: see `is_expired` and `is_not_yet_valid`, and compare `sub` with
    the site.
    """
    payload = jws.verify(text, keys)
    try:
        decoded = msgspec.json.decode(payload, type=Statement)
    except ValueError:
        raise jws.NotSigned from None
    if not (
        0 <= decoded.iat <= decoded.exp <= _LAST and decoded.count >= 0 and 0 <= decoded.score <= 5
    ):
        raise jws.NotSigned
    return decoded


def is_expired(statement: Statement, now: datetime) -> bool:
    return statement.until <= now


def is_not_yet_valid(statement: Statement, now: datetime) -> bool:
    return _EPOCH + timedelta(seconds=statement.iat) > now + LEEWAY
