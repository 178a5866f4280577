"""Public keys as a JWK Set (RFC 7517 section 5, RFC 8037 section 2). Pure."""

from collections.abc import Iterable

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from trustsvc.badge.statement import jws

MAX_KEYS = 300  # more keys than one service can ever have


class Jwk(msgspec.Struct):
    kty: str
    crv: str = ""
    x: str = ""
    kid: str = ""
    alg: str = ""
    use: str = ""


class JwkSet(msgspec.Struct):
    keys: list[Jwk]


def write(public: Iterable[tuple[str, Ed25519PublicKey]]) -> bytes:
    """Write keys with their names, in the order given."""
    keys = [
        Jwk("OKP", "Ed25519", jws.base64url_encode(key.public_bytes_raw()), kid, jws.ALG, "sig")
        for kid, key in public
    ]
    return msgspec.json.encode(JwkSet(keys)) + b"\n"


def read(body: bytes) -> dict[str, Ed25519PublicKey]:
    """Read a set, without keys of other kinds or uses. Raises ValueError.

    Two keys of one id are refused: the signing one would be ambiguous.
    """
    keys = {}
    for key in msgspec.json.decode(body, type=JwkSet).keys[:MAX_KEYS]:
        ours = (key.kty, key.crv) == ("OKP", "Ed25519")
        if not ours or key.use not in {"", "sig"} or key.alg not in {"", jws.ALG, "Ed25519"}:
            continue
        if key.kid in keys:
            raise ValueError
        keys[key.kid] = Ed25519PublicKey.from_public_bytes(jws.base64url_decode(key.x))
    return keys
