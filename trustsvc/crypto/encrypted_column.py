"""Encrypted columns: what is in the database is of no use without the key folder.

Fernet (AES-128-CBC and HMAC-SHA256) through `cryptography`; MultiFernet so that keys can be
rotated.
"""

import base64
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator

from trustsvc.crypto import keyring

_known: dict[tuple[keyring.Key, ...], MultiFernet] = {}


def _box() -> MultiFernet:
    ring = keyring.keys("vault")
    box = _known.get(ring)
    if box is None:
        box = MultiFernet([_fernet(key) for key in reversed(ring)])  # newest first
        _known.clear()  # another thread may do so at any moment: what is given back is our own
        _known[ring] = box
    return box


def encrypt(text: str) -> bytes:
    """Encrypt with the newest key."""
    return _box().encrypt(text.encode())


def decrypt(sealed: bytes) -> str:
    """Decrypt with whichever key fits; raises cryptography.fernet.InvalidToken when none does."""
    return _box().decrypt(sealed).decode()


def key_version_of(sealed: bytes) -> int | None:
    """Say which key something was sealed with; None when none of ours opens it."""
    for key in reversed(keyring.keys("vault")):
        try:
            _fernet(key).decrypt(sealed)
        except InvalidToken:
            continue
        return key.version
    return None


def re_encrypted(sealed: bytes) -> bytes | None:
    """Seal anew what was sealed with an older key; None for what need not be, or opens no more."""
    if key_version_of(sealed) in {None, keyring.newest_key("vault").version}:
        return None
    return _box().rotate(sealed)


@lru_cache(maxsize=keyring.MAX_VERSIONS)
def _fernet(key: keyring.Key) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key.secret))


class EncryptedText(TypeDecorator[str]):
    """A column whose text is encrypted on its way in and decrypted on its way out.

    Cannot be searched or compared in SQL, on purpose: look people up by a mark of crypto/pseudonyms.py.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> bytes | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else decrypt(bytes(value))
