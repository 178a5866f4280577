"""A JWS in its compact form with Ed25519 (RFC 7515 section 7.1, RFC 8037 section 3.1). Pure.

One algorithm and one encoding: a signature has exactly one spelling, so that every changed byte is
detected.
"""

import base64
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_LENGTH = 4096
ALG = "EdDSA"


class NotSigned(ValueError):
    """Not signed by any of the given keys."""


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    alg: str
    kid: str


def sign(header: bytes, payload: bytes, key: Ed25519PrivateKey) -> str:
    """Sign a payload; deterministic (RFC 8032)."""
    signed = f"{base64url_encode(header)}.{base64url_encode(payload)}"
    return f"{signed}.{base64url_encode(key.sign(signed.encode()))}"


def verify(text: str, keys: Mapping[str, Ed25519PublicKey]) -> bytes:
    """Check the signature with the key named in the header; returns the payload.

    Raises NotSigned for everything else: another algorithm (`none` is one), an unknown key, a
    header with other fields (`crit`, `jwk`, `b64`), another spelling of the same bytes.
    """
    parts = text.split(".") if len(text) <= MAX_LENGTH else []
    if len(parts) != 3:
        raise NotSigned
    try:
        head, payload, signature = map(base64url_decode, parts)
        header = msgspec.json.decode(head, type=_Header)
        if header.alg != ALG or header.kid not in keys:
            raise NotSigned
        keys[header.kid].verify(signature, f"{parts[0]}.{parts[1]}".encode())
    except (ValueError, InvalidSignature):  # msgspec's errors are ValueErrors too
        raise NotSigned from None
    return payload


def base64url_encode(raw: bytes) -> str:
    """Write base64url without padding (RFC 7515 appendix C)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def base64url_decode(text: str) -> bytes:
    """Read base64url in its canonical spelling; raises ValueError.

    Python's own decoder skips unknown characters and ignores trailing bits.
    """
    raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if base64url_encode(raw) != text:
        raise ValueError
    return raw
