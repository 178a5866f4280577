"""Keys that sign messages (DKIM): one file a selector in `$TRUSTSVC_DATA/keys/dkim`, mode 0600.

`<selector>.pem` signs; every one of them does, so that RSA and Ed25519 can go together and an old
selector beside a new one. `<selector>.waiting` waits until its record can be seen in the DNS.
`<selector>.ended` signs no more: its record stays for messages in transit, then both may go. A key
from elsewhere is put there by hand. Read again when a file changes, without a restart.
"""

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from trustsvc import config
from trustsvc.errors import Misconfigured, Refused

SELECTOR = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
RSA_BITS, MIN_RSA_BITS = 2048, 1024  # RFC 8301 section 3.2
IN_USE, WAITING, ENDED = ".pem", ".waiting", ".ended"
STRING = 255  # bytes in one string of a TXT record (RFC 1035 section 3.3.14)

Private = RSAPrivateKey | Ed25519PrivateKey
_FolderVersion = tuple[tuple[str, int, int, int], ...]
_cache: dict[Path, tuple[_FolderVersion, tuple["DkimKey", ...]]] = {}


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key with its selector: the record is `<selector>._domainkey.<domain>`, of type TXT."""

    selector: str
    private: Private

    def __repr__(self) -> str:
        return f"DkimKey({self.selector})"

    @property
    def kind(self) -> str:
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    @property
    def published(self) -> str:
        """The public key as in the `p=` of its record (RFC 6376 3.6.1, RFC 8463 section 4)."""
        if isinstance(self.private, Ed25519PrivateKey):
            raw = self.private.public_key().public_bytes_raw()
        else:
            form = serialization.PublicFormat.SubjectPublicKeyInfo
            raw = self.private.public_key().public_bytes(serialization.Encoding.DER, form)
        return base64.b64encode(raw).decode()

    @property
    def record(self) -> str:
        return f"v=DKIM1; k={self.kind}; p={self.published}"

    def zone_line(self, domain: str) -> str:
        """Write the record for a zone file, in strings that are short enough."""
        text = self.record
        parts = [text[start : start + STRING] for start in range(0, len(text), STRING)]
        strings = " ".join(f'"{part}"' for part in parts)
        return f"{self.selector}._domainkey.{domain}. IN TXT ( {strings} )"


def domain() -> str:
    """Give the signing domain: the sender's, unless the settings name another."""
    settings = config.current()
    return settings.dkim_domain or settings.mail_from.rpartition("@")[2].lower()


def in_use() -> tuple[DkimKey, ...]:
    """Give the keys that sign, none where the relay does.

    Raises Misconfigured for a file that is no key or open to others: an unsigned message would look
    forged, so none leaves.
    """
    return _all(IN_USE)


def waiting() -> tuple[DkimKey, ...]:
    return _all(WAITING)


def ended() -> tuple[DkimKey, ...]:
    return _all(ENDED)


def make(selector: str, kind: str) -> DkimKey:
    """Create a waiting key; raises Refused for a selector that is taken or invalid."""
    if not SELECTOR.fullmatch(selector):
        raise Refused("A selector is letters, digits and hyphens, such as trustsvc1.")
    if any(_path(selector, end).exists() for end in (IN_USE, WAITING, ENDED)):
        raise Refused("There is a key of that selector: a selector is used once.")
    private: Private = (
        Ed25519PrivateKey.generate() if kind == "ed25519" else generate_private_key(65537, RSA_BITS)
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(_path(selector, WAITING), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder()
    return DkimKey(selector, private)


def use(selector: str) -> None:
    """Sign with a waiting key from now on. Raises Refused when it does not wait."""
    _move(selector, WAITING, IN_USE)


def end(selector: str) -> None:
    """Stop signing with a key; raises Refused when it does not sign."""
    _move(selector, IN_USE, ENDED)


def _move(selector: str, before: str, after: str) -> None:
    if not SELECTOR.fullmatch(selector) or not _path(selector, before).exists():
        raise Refused("There is no such key in that state: see trustsvc keys dkim list.")
    _path(selector, before).replace(_path(selector, after))
    _sync_folder()


def _all(ending: str) -> tuple[DkimKey, ...]:
    folder = _folder()
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ending)
    except FileNotFoundError:
        return ()
    seen = [(path, _stat(path)) for path in paths]
    version = tuple((path.name, at.st_mtime_ns, at.st_ino, at.st_size) for path, at in seen)
    cache_key = folder / ending
    known = _cache.get(cache_key)
    if known and known[0] == version:
        return known[1]
    keys = tuple(_key(path, at.st_mode) for path, at in seen)
    _cache[cache_key] = (version, keys)
    return keys


def _stat(path: Path) -> os.stat_result:
    """Stat a file of the folder; a dangling link is an error, not "no key"."""
    try:
        return path.stat()
    except FileNotFoundError:
        raise Misconfigured(
            f"The key file dkim/{path.name} cannot be found, though its name is there: where it "
            "is a link, put back what it names."
        ) from None


def _key(path: Path, mode: int) -> DkimKey:
    if mode & 0o077:
        raise Misconfigured(f"The key file dkim/{path.name} can be read by others: chmod 600 it.")
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if isinstance(private, RSAPrivateKey) and private.key_size < MIN_RSA_BITS:
        private = None
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise Misconfigured(
            f"The key file dkim/{path.name} is no RSA key of {MIN_RSA_BITS} bits or more and no "
            "Ed25519 key in PEM: restore it from its backup."
        )
    return DkimKey(path.stem, private)


def _folder() -> Path:
    return config.current().data / "keys" / "dkim"


def _path(selector: str, ending: str) -> Path:
    return _folder() / f"{selector}{ending}"


def _sync_folder() -> None:
    handle = os.open(_folder(), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
