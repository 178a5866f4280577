"""Links that cannot be guessed or made: itsdangerous over a random 128-bit id, one salt a purpose.

The token holds nothing but the id; validity and expiry are in the database. A token has several
spellings (the last base64 character, padding), so single use goes by the inner id, never by the
token.
"""

import base64
import binascii
import re
import secrets
from functools import lru_cache
from typing import Literal

import itsdangerous
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trustsvc import config
from trustsvc.crypto import keyring
from trustsvc.errors import NotFound

LinkPurpose = Literal["review", "stop", "me", "staff", "register", "leave"]
PATHS: dict[str, str] = {
    "review": "r",
    "stop": "u",
    "me": "me",
    "staff": "desk/enter",
    "register": "register/confirm",
    "leave": "register/leave",
}
ID_BYTES = 16
# itsdangerous leaves out of a signature what is not base64: a line break would be in a Location.
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+={0,2}", re.ASCII)


class _HmacSha256(itsdangerous.signer.SigningAlgorithm):
    """itsdangerous's default signs with SHA-1 of hashlib; ours is HMAC-SHA256 of `cryptography`."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return self._mac(key, value).finalize()

    def verify_signature(self, key: bytes, value: bytes, sig: bytes) -> bool:
        try:
            self._mac(key, value).verify(sig)
        except InvalidSignature:
            return False
        return True

    @staticmethod
    def _mac(key: bytes, value: bytes) -> HMAC:
        mac = HMAC(key, hashes.SHA256())
        mac.update(value)
        return mac


class _Signer(itsdangerous.Signer):
    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        secret = itsdangerous.encoding.want_bytes(secret_key or self.secret_keys[-1])
        return _derived(secret, self.salt)


@lru_cache(maxsize=len(PATHS) * keyring.MAX_VERSIONS)
def _derived(secret: bytes, salt: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=salt).derive(secret)


def _signer(purpose: LinkPurpose) -> _Signer:
    # Oldest first: itsdangerous signs with the last (CVE-2025-47278 was a list the wrong way
    # round).
    secrets_oldest_first = [key.secret for key in keyring.keys("link")]
    salt = f"trustsvc link {purpose}".encode()
    return _Signer(secrets_oldest_first, salt=salt, algorithm=_HmacSha256())


def new_id() -> bytes:
    """Draw the random id of a link."""
    return secrets.token_bytes(ID_BYTES)


def token(purpose: LinkPurpose, link_id: bytes) -> str:
    text = base64.urlsafe_b64encode(link_id).rstrip(b"=")
    return _signer(purpose).sign(text).decode()


def url(purpose: LinkPurpose, link_id: bytes) -> str:
    """Give the whole link; its host comes from the settings, never from a request."""
    return f"{config.current().base_url}/{PATHS[purpose]}/{token(purpose, link_id)}"


def verify(purpose: LinkPurpose, text: str) -> bytes:
    """Give the id inside a token; raises NotFound unless we signed it for this purpose."""
    if not _SHAPE.fullmatch(text):
        raise NotFound
    try:
        inner = _signer(purpose).unsign(text.encode())
        link_id = base64.b64decode(inner + b"==", altchars=b"-_", validate=True)
    except (itsdangerous.BadSignature, binascii.Error, UnicodeError, ValueError):
        raise NotFound from None
    if len(link_id) != ID_BYTES:
        raise NotFound
    return link_id
