"""With which key badges are signed now, and which ones are shown to whoever checks.

A new key is shown first and used two hours later, when no cache has a list without it any more; an
older one is shown until the last statement signed with it is over. So `keys rotate badge` makes no
badge false for a moment, and a key that got out is worth nothing nine days later.
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
    """Sign what the badge of a shop says today; the caller knows that its seal holds.

    The same bytes all day while nothing changes. Made while the clock is wrong it is early or over
    for whoever checks it; the next round after the clock is right again replaces it.
    """
    key = signing_key(now)
    begins, ends = statement.validity(now)
    said = statement.Statement(
        iss=config.current().base_url,
        sub=domain,
        shop=slug,
        score=round(mean, 2),
        count=count,
        iat=begins,
        exp=ends,
    )
    return statement.encode(said, _private(key), str(key.version))


def signing_key(now: datetime) -> keyring.Key:
    """Give the newest key that has been shown long enough; the oldest there is where none has."""
    ring = keyring.keys("badge")
    known = [
        key for key in ring if key.made_at is None or key.made_at + PUBLISHED_BEFORE_USE <= now
    ]
    return (known or ring)[-1 if known else 0]


def published_keys(now: datetime) -> list[keyring.Key]:
    """Give the keys with which a statement that still holds can be signed, newest last."""
    ring = keyring.keys("badge")
    needed = [
        key
        for key, after in pairwise(ring)
        if after.made_at is None or now < after.made_at + PUBLISHED_AFTER_USE
    ]
    return [*needed, ring[-1]]


def public_key_set(now: datetime) -> bytes:
    """Write the public parts of the keys that are shown."""
    return key_set.write(
        (str(key.version), _private(key).public_key()) for key in published_keys(now)
    )


def publish_keys(now: datetime) -> bool:
    """Put the file in place that a static server hands out; says whether it changed."""
    return public_files.write(KEYS_PATH.removeprefix("/"), public_key_set(now))


def _private(key: keyring.Key) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.secret)
