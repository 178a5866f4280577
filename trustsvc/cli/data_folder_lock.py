"""Who holds the data folder: many processes that work on it, or one restore."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from trustsvc import config
from trustsvc.errors import Misconfigured, Refused


@contextlib.contextmanager
def working() -> Iterator[None]:
    """Say that this process works on the data folder; raises Misconfigured while one restores."""
    with _file("running.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured("A backup is being restored on this data folder: wait.") from None
        yield


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Have the data folder to oneself; raises Refused while anything of trustsvc runs on it."""
    with contextlib.ExitStack() as stack:
        for lock in ("up.lock", "running.lock"):
            handle = stack.enter_context(_file(lock).open("a"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused("trustsvc runs on this data folder: stop it first.") from None
        yield


def _file(name: str) -> Path:
    data = config.current().data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return data / name
