"""Folders for what is half done: closed to others, and cleared away even after a kill."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder for one task, and remove it with all that is in it.

    One that a killed process left holds a whole copy of the database, which no purge would ever
    find: it goes when the next task begins. Those of tasks that run are locked and stay.
    """
    with contextlib.ExitStack() as stack:
        with _locked(parent, wait=True):  # so that none is cleared away before it is locked
            for left in parent.glob(f"{prefix}*"):
                with contextlib.suppress(OSError), _locked(left):
                    shutil.rmtree(left)
            made = tempfile.TemporaryDirectory(dir=parent, prefix=prefix)
            place = Path(stack.enter_context(made))
            stack.enter_context(_locked(place))
        yield place


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, not only what the files hold."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | (0 if wait else os.O_NOFOLLOW))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)
