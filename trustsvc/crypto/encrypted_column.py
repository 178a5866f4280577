"""Column encryption (encryption of columns): a column is of no use without the key folder.

Fernet (AES-128-CBC and HMAC-SHA256) through `cryptography`; MultiFernet so that keys can be
rotated.
"""

import base64
from functools import lru_cache
from typing import TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

from trustsvc.crypto import keyring

_Value = TypeVar("_Value")

_fernets: dict[tuple[keyring.Key, ...], MultiFernet] = {}


def _multi_fernet() -> MultiFernet:
    ring = keyring.keys("vault")
    fernet = _fernets.get(ring)
    if fernet is None:
        fernet = MultiFernet([_fernet(key) for key in reversed(ring)])  # newest first
        _fernets.clear()  # another thread may too: return `fernet`, not the entry
        _fernets[ring] = fernet
    return fernet


def encrypt(text: str) -> bytes:
    """Encrypt with the newest key."""
    return _multi_fernet().encrypt(text.encode())


def decrypt(encrypted: bytes) -> str:
    """Decrypt with whichever key fits; raises cryptography.fernet.InvalidToken when none does."""
    return _multi_fernet().decrypt(encrypted).decode()


def key_version_of(encrypted: bytes) -> int | None:
    """Give the version of the key that decrypts this; None when none does."""
    for key in reversed(keyring.keys("vault")):
        try:
            _fernet(key).decrypt(encrypted)
        except InvalidToken:
            continue
        return key.version
    return None


def re_encrypted(encrypted: bytes) -> bytes | None:
    """Re-encrypt with the newest key; None when it already is, or when no key decrypts it."""
    if key_version_of(encrypted) in {None, keyring.newest_key("vault").version}:
        return None
    return _multi_fernet().rotate(encrypted)


@lru_cache(maxsize=keyring.MAX_VERSIONS)
def _fernet(key: keyring.Key) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key.secret))


class EncryptedType(TypeDecorator[_Value]):
    """A column that only the vault keys open: what re-encryption needs to know of any of them."""

    def key_version_of(self, stored: object) -> int | None:
        """Give the version of the key that decrypts what is stored; None when none does."""
        raise NotImplementedError

    def re_encrypted(self, stored: object) -> object:
        """Re-encrypt with the newest key; None when it already is, or when no key decrypts it."""
        raise NotImplementedError


class EncryptedText(EncryptedType[str]):
    """A column whose text is encrypted on its way in and decrypted on its way out.

    Cannot be searched or compared in SQL: look people up by a pseudonym (crypto/pseudonyms.py),
    and random ids by an encrypted id (crypto/encrypted_id.py).
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else decrypt(bytes(value))

    def key_version_of(self, stored: object) -> int | None:
        return key_version_of(stored) if isinstance(stored, bytes) else None

    def re_encrypted(self, stored: object) -> object:
        return re_encrypted(stored) if isinstance(stored, bytes) else None
