"""The keyed, versioned one-way hash of an e-mail address.

HMAC-SHA256 by `cryptography` over a specified normalisation. Without the key a list of all
addresses in the world does not reverse one (plain SHA-256 would fall in minutes); the key is never
in the database. A pseudonym holds the rule and the key it was made with:

    1 byte rule version · 1 byte key version · 16 bytes of HMAC-SHA256

Rule 1: trim, NFC, lower case, NFC again, IDNA (UTS 46) for the domain. Dots and plus signs are part
of the address: a provider's habits would be another rule, never used for sending. A local
part that changes under NFKC is refused rather than folded, so nobody can take another person's
pseudonym.
"""

from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trustsvc.address import normalise
from trustsvc.crypto import keyring

RULE = 1
MAC_BYTES = 16
PSEUDONYM_BYTES = 2 + MAC_BYTES  # in bytes
_NO_SHOP = 0


class PseudonymMaker:
    """Makes the pseudonyms of many addresses by the keys of one moment, each key set up once.

    Takes normalised addresses, and gives what the functions below give.
    """

    def __init__(self) -> None:
        self._registry = [(_start(key), _mac(key.secret)) for key in keyring.keys("registry")]
        self._lookup = keyring.keys("lookup")
        self._shops: dict[int, list[tuple[bytes, HMAC]]] = {}

    def of_registry(self, plain: str) -> frozenset[bytes]:
        return _by_each(self._registry, plain)

    def of_shop(self, shop_id: int, plain: str) -> frozenset[bytes]:
        macs = self._shops.get(shop_id)
        if macs is None:
            macs = [(_start(key), _mac(_shop_key(key, shop_id))) for key in self._lookup]
            self._shops[shop_id] = macs
        return _by_each(macs, plain)


def _by_each(macs: list[tuple[bytes, HMAC]], plain: str) -> frozenset[bytes]:
    found = []
    for start, begun in macs:
        mac = begun.copy()
        mac.update(plain.encode())
        found.append(start + mac.finalize()[:MAC_BYTES])
    return frozenset(found)


def _start(key: keyring.Key) -> bytes:
    return bytes((RULE, key.version))


def _mac(secret: bytes) -> HMAC:
    return HMAC(secret, hashes.SHA256())


def hmac_sha256(secret: bytes, text: str) -> bytes:
    """HMAC-SHA256, all 32 bytes (RFC 2104, RFC 4231)."""
    mac = _mac(secret)
    mac.update(text.encode())
    return mac.finalize()


def constant_time_equal(one: bytes, other: bytes) -> bool:
    """Compare in constant time."""
    return constant_time.bytes_eq(one, other)


def registry_pseudonym(address: str, key: keyring.Key | None = None) -> bytes:
    """Give the pseudonym to compare with the registry; dropped after the comparison."""
    key = key or keyring.newest_key("registry")
    return _pseudonym(key.version, key.secret, normalise(address))


def registry_pseudonyms(address: str) -> list[bytes]:
    """Give the pseudonyms by every key, so that older entries are found too."""
    return [registry_pseudonym(address, key) for key in keyring.keys("registry")]


def shop_pseudonym(shop_id: int, address: str) -> bytes:
    """Give the pseudonym for one shop's own look-ups and counters.

    Each shop has a key of its own (HKDF, RFC 5869), so two shops cannot join their lists.
    """
    key = keyring.newest_key("lookup")
    return _pseudonym(key.version, _shop_key(key, shop_id), normalise(address))


def shop_pseudonyms(shop_id: int, address: str) -> list[bytes]:
    """Give the pseudonyms for one shop by every key."""
    plain = normalise(address)
    return [_pseudonym(k.version, _shop_key(k, shop_id), plain) for k in keyring.keys("lookup")]


def text_pseudonym(shop_id: int, text: str) -> bytes:
    """Give the keyed hash of another text (an order's identity, a body) for one shop.

    By the oldest key: order identities must be found after a rotation.
    """
    key = keyring.keys("lookup")[0]
    return _pseudonym(key.version, _shop_key(key, shop_id), f"text:{text}")


def network_pseudonym(network: str) -> bytes:
    """Give the keyed hash by which what comes from a network is counted."""
    return text_pseudonym(_NO_SHOP, f"network {network}")


def _pseudonym(version: int, secret: bytes, text: str) -> bytes:
    return bytes((RULE, version)) + hmac_sha256(secret, text)[:MAC_BYTES]


_shop_keys: dict[tuple[bytes, int], bytes] = {}


def _shop_key(key: keyring.Key, shop_id: int) -> bytes:
    cache_key = (key.secret, shop_id)
    if cache_key not in _shop_keys:
        info = f"trustsvc shop {shop_id}".encode()
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(key.secret)
        _shop_keys[cache_key] = derived
    return _shop_keys[cache_key]
