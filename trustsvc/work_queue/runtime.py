"""The machine: a short folder for sockets (a path can be too long for one), and parents."""

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


def folder() -> Path:
    """Give the folder that belongs to this data folder and this user, mode 0700.

    Raises Misconfigured when somebody else was there first.
    """
    place = hashes.Hash(hashes.SHA256())
    place.update(str(config.current().data).encode())
    name = f"trustsvc-{os.getuid()}-{place.finalize().hex()[:12]}"
    found = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / name
    found.mkdir(mode=0o700, exist_ok=True)
    known = found.lstat()
    if found.is_symlink() or known.st_uid != os.getuid() or known.st_mode & 0o077:
        raise Misconfigured(
            "The runtime folder belongs to somebody else: remove it, or set XDG_RUNTIME_DIR."
        )
    return found


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed, so that no orphan keeps a port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)


def redis_socket() -> Path:
    return folder() / "redis.sock"


def redis_url() -> str:
    """Say where the embedded Redis-compatible server listens."""
    return f"unix://{redis_socket()}"
