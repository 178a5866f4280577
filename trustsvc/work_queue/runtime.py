"""The runtime folder for sockets (a socket's path must be short), and parent processes."""

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from trustsvc import config
from trustsvc.errors import Misconfigured

PR_SET_PDEATHSIG = 1
M_ARENA_MAX = -8  # of glibc's mallopt(3)


def folder() -> Path:
    """Give the runtime folder of this data folder and this user, mode 0700.

    Raises Misconfigured when it belongs to somebody else.
    """
    digest = hashes.Hash(hashes.SHA256())
    digest.update(str(config.current().data).encode())
    name = f"trustsvc-{os.getuid()}-{digest.finalize().hex()[:12]}"
    path = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / name
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if path.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Misconfigured(
            "The runtime folder belongs to somebody else: remove it, or set XDG_RUNTIME_DIR."
        )
    return path


def die_with_parent(parent: int | None) -> None:
    """Have Linux kill this process with its parent, so that no orphan keeps a port.

    `parent` is the id that was noted before the fork: whoever has another parent by now was
    orphaned before this call, and ends. Process 1 is a parent like others in a container.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:
            os._exit(1)


def share_heaps() -> None:
    """Have the threads of this process share two heaps: glibc gives them up to eight a core."""
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def redis_socket() -> Path:
    return folder() / "redis.sock"


def redis_url() -> str:
    """Give the URL of the embedded Redis-compatible server."""
    return f"unix://{redis_socket()}"
