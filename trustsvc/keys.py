"""The key ring: made on first start, one file a kind in `$TRUSTSVC_DATA/keys`, mode 0600.

A file holds one line a version, oldest first: `<version> <base64 of the key>`. New things are made
with the newest; older ones stay as long as something made with them lives.
"""

import base64
import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustsvc import config
from trustsvc.errors import Misconfigured


def _random() -> bytes:
    return secrets.token_bytes(32)


def _fernet() -> bytes:
    return base64.urlsafe_b64decode(Fernet.generate_key())


def _ed25519() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes_raw()


# What each kind is for. The registry's key is not the key of a shop's own look-ups, so that two
# shops (or a shop and the registry) cannot join their lists.
KINDS: dict[str, Callable[[], bytes]] = {
    "registry": _random,
    "lookup": _random,
    "link": _random,
    "desk": _random,
    "vault": _fernet,
    "receipt": _ed25519,
    "badge": _ed25519,
}


@dataclass(frozen=True, slots=True)
class Key:
    version: int
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(version={self.version})"


LENGTH = 32
_read: dict[Path, tuple[int, tuple[Key, ...]]] = {}


def ring(kind: str) -> tuple[Key, ...]:
    """Give the keys of a kind, oldest first; make the first one where there is none.

    Two processes that start at once end with the same key: the file appears whole, or not at all.
    Read again when the file changes. Raises Misconfigured when the file cannot be understood.
    """
    path = config.current().data / "keys" / kind
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        _make(path, kind)
        changed = path.stat().st_mtime_ns
    known = _read.get(path)
    if known and known[0] == changed:
        return known[1]
    found = _parse(path)
    _read[path] = (changed, found)
    return found


def newest(kind: str) -> Key:
    return ring(kind)[-1]


def version(kind: str, number: int) -> Key | None:
    """Give one version of a kind, or None when it is no longer there."""
    return next((key for key in ring(kind) if key.version == number), None)


def make_all() -> None:
    """Make what is missing, so that a first request does not have to."""
    for kind in KINDS:
        ring(kind)


def _make(path: Path, kind: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{kind}.{secrets.token_hex(8)}")
    line = f"1 {base64.b64encode(KINDS[kind]()).decode()}\n"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        # A link fails where another process was first; its key is then the one.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _parse(path: Path) -> tuple[Key, ...]:
    try:
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"The key file {path.name} can be read by others: chmod 600 it.")
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line]
        found = tuple(Key(int(number), base64.b64decode(text)) for number, text in lines)
    except (ValueError, UnicodeDecodeError):
        found = ()
    if not found or any(len(key.secret) != LENGTH for key in found):
        raise Misconfigured(f"The key file {path.name} is damaged: restore it from its backup.")
    return found
