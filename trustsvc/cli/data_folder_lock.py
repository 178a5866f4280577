"""Locks on the data folder: shared by the processes, exclusive for a restore or `trustsvc up`."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from trustsvc import config
from trustsvc.errors import Misconfigured, Refused

UP, RUNNING = "up.lock", "running.lock"


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Held by each process that works on the folder; raises Misconfigured during a restore."""
    with _lock_file(RUNNING).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured("A backup is being restored on this data folder: wait.") from None
        yield


@contextlib.contextmanager
def only_up() -> Iterator[None]:
    """Held by `trustsvc up`; raises Misconfigured when another one runs on the folder."""
    with _lock_file(UP).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured(
                "Another trustsvc runs on this data folder: stop it, or set TRUSTSVC_DATA."
            ) from None
        # A forked child would hold the lock for as long as it lives.
        os.register_at_fork(after_in_child=handle.close)
        yield


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """Held by a restore; raises Refused while anything of trustsvc runs on the folder."""
    with contextlib.ExitStack() as stack:
        for name in (UP, RUNNING):
            handle = stack.enter_context(_lock_file(name).open("a"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused("trustsvc runs on this data folder: stop it first.") from None
        yield


def _lock_file(name: str) -> Path:
    data = config.current().data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return data / name
