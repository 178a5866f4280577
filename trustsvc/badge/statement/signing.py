"""Sign badges, and publish the keys that verify them.

A new key is published two hours before use, when no cache holds a list without it; an older one
until the last statement signed with it has expired. So `keys rotate badge` invalidates no badge,
and a leaked key is useless nine days later.
"""

from datetime import datetime, timedelta
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustsvc import config
from trustsvc.badge import public_files
from trustsvc.badge.statement import key_set, statement
from trustsvc.crypto import keyring

KEYS_PATH = "/.well-known/trustsvc-keys.json"
PUBLISHED_BEFORE_USE = timedelta(hours=2)  # caches keep the list for one
PUBLISHED_AFTER_USE = statement.LIFETIME + timedelta(days=1)


def sign(slug: str, domain: str, mean: float, count: int, now: datetime) -> str:
    """Sign a shop's score of today; the caller checked that its seal holds.

    The same bytes all day while nothing changes. A statement made with a wrong clock is not yet
    valid or expired; the next refresh with the right time replaces it.
    """
    key = signing_key(now)
    begins, ends = statement.validity(now)
    signed = statement.Statement(
        iss=config.current().base_url,
        sub=domain,
        shop=slug,
        score=round(mean, 2),
        count=count,
        iat=begins,
        exp=ends,
    )
    return statement.encode(signed, _private(key), str(key.version))


def signing_key(now: datetime) -> keyring.Key:
    """The newest key published long enough; the oldest if none is."""
    ring = keyring.keys("badge")
    known = [
        key for key in ring if key.made_at is None or key.made_at + PUBLISHED_BEFORE_USE <= now
    ]
    return (known or ring)[-1 if known else 0]


def published_keys(now: datetime) -> list[keyring.Key]:
    """The keys of all statements that may still be valid, newest last."""
    ring = keyring.keys("badge")
    needed = [
        key
        for key, after in pairwise(ring)
        if after.made_at is None or now < after.made_at + PUBLISHED_AFTER_USE
    ]
    return [*needed, ring[-1]]


def public_key_set(now: datetime) -> bytes:
    """Write the public parts of the published keys."""
    return key_set.write(
        (str(key.version), _private(key).public_key()) for key in published_keys(now)
    )


def publish_keys(now: datetime) -> bool:
    """Write the file that a static server serves; returns whether it changed."""
    return public_files.write(KEYS_PATH.removeprefix("/"), public_key_set(now))


def _private(key: keyring.Key) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.secret)
