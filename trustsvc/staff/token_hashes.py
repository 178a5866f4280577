"""How links, sessions and forms of the desk are known without being kept: keyed hashes."""

from trustsvc.crypto import keyring
from trustsvc.crypto.pseudonyms import digest


def mark(kind: str, secret: str) -> bytes:
    """Mark a link's id, a session or a form with the newest key."""
    return digest(keyring.newest("desk").secret, f"{kind}:{secret}")


def marks(kind: str, secret: str) -> list[bytes]:
    """Mark it with every living key, so that a new key signs nobody out."""
    return [digest(key.secret, f"{kind}:{secret}") for key in keyring.ring("desk")]
