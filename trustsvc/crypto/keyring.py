"""The key ring: created on first start, one file a kind in `$TRUSTSVC_DATA/keys`, mode 0600.

A file holds one line a version, oldest first: `<version> <base64 of the key> <moment it was made>`.
The newest is used; older ones stay as long as something made with them is stored.
"""

import base64
import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustsvc import clock, config
from trustsvc.errors import Misconfigured, Refused

MAX_VERSIONS = 255  # a pseudonym names its key in one byte


def _random() -> bytes:
    return secrets.token_bytes(32)


def _fernet() -> bytes:
    return base64.urlsafe_b64decode(Fernet.generate_key())


def _ed25519() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes_raw()


# How a key of each kind is drawn. The registry's key is not that of a shop's own look-ups, so that
# two shops (or a shop and the registry) cannot join their lists.
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
    made_at: datetime | None = None  # None where somebody wrote the line by hand

    def __repr__(self) -> str:
        return f"Key(version={self.version})"


LENGTH = 32

# Tells a file from its predecessor: a rename gives a new inode, even within one tick of the file
# system's clock.
_FileVersion = tuple[int, int, int]
_cache: dict[str, tuple[_FileVersion, tuple[Key, ...]]] = {}
_paths: dict[tuple[Path, str], str] = {}  # keys() is called a dozen times an order: no pathlib
_require_first: Callable[[str], None] | None = None
_announce: Callable[[str, "Key"], None] | None = None


def ask_before_first(require_first: Callable[[str], None]) -> None:
    """Have a first key of a kind made only if this, called with the kind, does not raise."""
    global _require_first  # noqa: PLW0603 - one database a process
    _require_first = require_first


def announce_before_use(announce: Callable[[str, Key], None]) -> None:
    """Have a rotated key used only after this, called with its kind and the key, returned."""
    global _announce  # noqa: PLW0603 - one database a process
    _announce = announce


def keys(kind: str) -> tuple[Key, ...]:
    """Give the keys of a kind, oldest first; create the first one where there is none.

    Two processes that start at once end with the same key: the file appears whole, or not at all.
    If the file changed, the next call reads it again. A process that learnt of a new key only a
    moment later would miss an opt-out that another process stored with it. Raises Misconfigured for
    a damaged file, and for a missing one whose key the database knows (`ask_before_first`).
    """
    place = config.current().data, kind
    path = _paths.get(place) or _paths.setdefault(place, str(_path(kind)))
    try:
        return _keys_in(path)
    except FileNotFoundError:
        _make(_path(kind), kind)
        return _keys_in(path)


def existing_keys(kind: str) -> tuple[Key, ...]:
    """Give the keys of a kind, and none where there are none: a restore must not create any."""
    path = _path(kind)
    return _keys_in(str(path)) if path.exists() else ()


def rotate(kind: str) -> Key:
    """Add a version, used from now on; the older ones stay valid.

    The file is replaced atomically. Twice adds two; two at once add two. A process that is killed
    before leaves the whole new file beside it. Raises Refused when a kind has no version number
    left, and what announcing it raises.
    """
    keys(kind)
    path = _path(kind)
    with (path.parent / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        known = _parse(path)
        number = max(key.version for key in known) + 1
        if number > MAX_VERSIONS:
            raise Refused(f"There were {MAX_VERSIONS} keys of this kind: no number is left.")
        text = path.read_text(encoding="ascii")
        line = _line(number, kind)
        text += ("" if text.endswith("\n") else "\n") + line
        with _temporary_file(path, text) as temporary:
            if _announce:
                _announce(kind, _key(*line.split()))
            temporary.replace(path)
        _sync_folder(path.parent)
    return newest_key(kind)


def is_rotating() -> bool:
    """Say whether a process of this host is adding or retiring a key at this moment."""
    lock = config.current().data / "keys" / ".lock"
    try:
        with lock.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def retire(kind: str, number: int) -> None:
    """Delete a version for good; the caller has made sure that nothing needs it.

    Raises Refused for the newest one, and for one that does not exist.
    """
    path = _path(kind)
    keys(kind)
    with (path.parent / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        known = _parse(path)
        if number not in {key.version for key in known[:-1]}:
            raise Refused("There is no older key of that version: see trustsvc keys list.")
        lines = [line for line in path.read_text(encoding="ascii").splitlines() if line]
        kept = [line for line in lines if int(line.split()[0]) != number]
        _replace(path, "".join(f"{line}\n" for line in kept))


def newest_key(kind: str) -> Key:
    return keys(kind)[-1]


def make_all() -> None:
    """Create the missing keys, so that a first request does not have to."""
    for kind in KINDS:
        keys(kind)


def _path(kind: str) -> Path:
    return config.current().data / "keys" / kind


def _keys_in(path: str) -> tuple[Key, ...]:
    # stat before reading: a file that is replaced in between is read again next time.
    status = os.stat(path)  # noqa: PTH116 - a third of what Path.stat() takes
    version = (status.st_mtime_ns, status.st_ino, status.st_size)
    known = _cache.get(path)
    if known and known[0] == version:
        return known[1]
    ring = _parse(Path(path))
    _cache[path] = (version, ring)
    return ring


def _line(number: int, kind: str) -> str:
    made = clock.now().isoformat(timespec="seconds")
    return f"{number} {base64.b64encode(KINDS[kind]()).decode()} {made}\n"


def _make(path: Path, kind: str) -> None:
    if _require_first:
        _require_first(kind)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _temporary_file(path, _line(1, kind)) as temporary, contextlib.suppress(FileExistsError):
        # The link fails where another process was first; its key is then used.
        os.link(temporary, path)


def _replace(path: Path, text: str) -> None:
    with _temporary_file(path, text) as temporary:
        temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _temporary_file(path: Path, text: str) -> Iterator[Path]:
    """Write a temporary file beside another, mode 0600 and synced, to replace it."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _parse(path: Path) -> tuple[Key, ...]:
    try:
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"The key file {path.name} can be read by others: chmod 600 it.")
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line]
        ring = tuple(_key(*line) for line in lines)
    except (ValueError, TypeError, UnicodeDecodeError):
        ring = ()
    if not ring or any(len(key.secret) != LENGTH for key in ring):
        raise Misconfigured(f"The key file {path.name} is damaged: restore it from its backup.")
    return ring


def _key(number: str, text: str, made: str = "") -> Key:
    return Key(
        int(number),
        base64.b64decode(text),
        datetime.fromisoformat(made).astimezone(UTC) if made else None,
    )
