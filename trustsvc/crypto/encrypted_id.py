"""Columns of random ids that are of no use without the key folder, and are found by equality.

AES-SIV (RFC 5297) through `cryptography`: one id under one key always gives the same bytes, so an
index finds it. That gives nothing away of an id that nobody can guess; for anything else, such as
an address, it would show which rows are alike. What is stored names its key:

    1 byte key version · 16 bytes of synthetic IV · the encrypted id

A text column holds the same as URL-safe base64.
"""

import base64
import binascii
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, Dialect, LargeBinary, Text, type_coerce
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

from trustsvc.crypto import keyring
from trustsvc.crypto.encrypted_column import EncryptedType

INFO = b"trustsvc encrypted id"
IV_LENGTH = 16


def encrypt(plain: bytes) -> bytes:
    """Encrypt with the newest key."""
    return _encrypt(plain, keyring.newest_key("vault"))


def forms(plain: bytes) -> list[bytes]:
    """Give the id as each key encrypts it, so that what an older key encrypted is found too."""
    return [_encrypt(plain, key) for key in keyring.keys("vault")]


def decrypt(stored: bytes) -> bytes:
    """Decrypt; raises cryptography.fernet.InvalidToken where the key is missing, or not its."""
    for key in keyring.keys("vault"):
        if stored[:1] == bytes((key.version,)):
            return _decrypt(stored, key)
    raise InvalidToken


def key_version_of(stored: bytes) -> int | None:
    """Give the version of the key that decrypts this; None when none does."""
    try:
        decrypt(stored)
    except InvalidToken:
        return None
    return stored[0]


def _encrypt(plain: bytes, key: keyring.Key) -> bytes:
    return bytes((key.version,)) + _cipher(key).encrypt(plain, None)


def _decrypt(stored: bytes, key: keyring.Key) -> bytes:
    if len(stored) <= 1 + IV_LENGTH:
        raise InvalidToken
    try:
        return _cipher(key).decrypt(stored[1:], None)
    except InvalidTag:
        raise InvalidToken from None


@lru_cache(maxsize=keyring.MAX_VERSIONS)
def _cipher(key: keyring.Key) -> AESSIV:
    # A key of its own: that of the vault is Fernet's.
    return AESSIV(HKDF(hashes.SHA256(), 64, salt=None, info=INFO).derive(key.secret))


class _FoundByEquality(TypeDecorator.Comparator[Any]):
    """Compares with the id as each key encrypts it, and with nothing else but NULL.

    Any other comparison would try the newest key alone: it raises NotImplementedError.
    """

    def operate(
        self, op: operators.OperatorType, *other: object, **options: object
    ) -> ColumnElement[Any]:
        if op is operators.eq and isinstance(other[0], bytes | str):
            kind: Any = self.type
            stored = type_coerce(self.expr, kind.impl_instance)
            return stored.in_(kind.stored_forms(other[0]))
        if op in {operators.is_, operators.is_not}:
            return super().operate(op, *other, **options)
        raise NotImplementedError("an encrypted id is found by == alone")


class EncryptedId(EncryptedType[bytes]):
    """A column of random bytes. `==` finds a value, whichever key it was encrypted with."""

    impl = LargeBinary
    cache_ok = True
    comparator_factory = _FoundByEquality

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else decrypt(bytes(value))

    def stored_forms(self, value: bytes) -> list[bytes]:
        return forms(value)

    def key_version_of(self, stored: object) -> int | None:
        return key_version_of(stored) if isinstance(stored, bytes) else None

    def re_encrypted(self, stored: object) -> object:
        if not isinstance(stored, bytes):
            return None
        if key_version_of(stored) in {None, keyring.newest_key("vault").version}:
            return None
        return encrypt(decrypt(stored))


class EncryptedIdText(EncryptedType[str]):
    """A column of a random text. `==` finds a value, whichever key it was encrypted with."""

    impl = Text
    cache_ok = True
    comparator_factory = _FoundByEquality

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _as_text(encrypt(_as_bytes(value)))

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else decrypt(_from_text(value)).decode()

    def stored_forms(self, value: str) -> list[str]:
        return [_as_text(one) for one in forms(_as_bytes(value))]

    def key_version_of(self, stored: object) -> int | None:
        if not isinstance(stored, str):
            return None
        try:
            return key_version_of(_from_text(stored))
        except InvalidToken:
            return None

    def re_encrypted(self, stored: object) -> object:
        if not isinstance(stored, str):
            return None
        if self.key_version_of(stored) in {None, keyring.newest_key("vault").version}:
            return None
        return _as_text(encrypt(decrypt(_from_text(stored))))


def _as_bytes(value: str) -> bytes:
    return value.encode(errors="surrogatepass")  # of a request: it may be no text at all


def _as_text(encrypted: bytes) -> str:
    return base64.urlsafe_b64encode(encrypted).decode()


def _from_text(stored: str) -> bytes:
    try:
        return base64.b64decode(stored, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidToken from None
