"""How links, sessions and forms of the desk are known without being kept: keyed hashes."""

from trustsvc.crypto import keyring
from trustsvc.crypto.pseudonyms import hmac_sha256


def token_hash(kind: str, secret: str) -> bytes:
    """Mark a link's id, a session or a form with the newest key."""
    return hmac_sha256(keyring.newest_key("desk").secret, f"{kind}:{secret}")


def token_hashes(kind: str, secret: str) -> list[bytes]:
    """Mark it with every living key, so that a new key signs nobody out."""
    return [hmac_sha256(key.secret, f"{kind}:{secret}") for key in keyring.keys("desk")]
