"""Keyed hashes of the random ids in links and addresses that are only looked up, never made again.

Nobody turns them back, whatever keys they have: the id has 128 bits. By the link key, which lives
as long as the signatures of the links.
"""

from trustsvc.crypto import keyring
from trustsvc.crypto.pseudonyms import hmac_sha256


def id_hash(secret_id: bytes) -> bytes:
    """Hash an id with the newest key, to store it."""
    return _hash(keyring.newest_key("link"), secret_id)


def id_hashes(secret_id: bytes) -> list[bytes]:
    """Hash it with every key, to look it up."""
    return [_hash(key, secret_id) for key in keyring.keys("link")]


def _hash(key: keyring.Key, secret_id: bytes) -> bytes:
    return hmac_sha256(key.secret, f"id:{secret_id.hex()}")
