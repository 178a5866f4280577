"""Keyed hashes of staff links, sessions and forms: the tokens are not stored."""

from trustsvc.crypto import keyring
from trustsvc.crypto.pseudonyms import hmac_sha256


def token_hash(kind: str, secret: str) -> bytes:
    """Hash a link's id, a session or a form with the newest key."""
    return hmac_sha256(keyring.newest_key("desk").secret, f"{kind}:{secret}")


def token_hashes(kind: str, secret: str) -> list[bytes]:
    """Hash it with every valid key, so that a new key signs nobody out."""
    return [hmac_sha256(key.secret, f"{kind}:{secret}") for key in keyring.keys("desk")]
