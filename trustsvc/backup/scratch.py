"""Temporary folders for unfinished work: private, and removed even after a kill."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder for one task, and remove it with its content at the end.

    A folder left by a killed process holds a copy of the database that no purge would find: it is
    removed when the next task begins. Folders of running tasks are locked and stay.
    """
    with contextlib.ExitStack() as stack:
        with _locked(parent, wait=True):  # so that none is removed before it is locked
            for left in parent.glob(f"{prefix}*"):
                with contextlib.suppress(OSError), _locked(left):
                    shutil.rmtree(left)
            temporary = tempfile.TemporaryDirectory(dir=parent, prefix=prefix)
            folder = Path(stack.enter_context(temporary))
            stack.enter_context(_locked(folder))
        yield folder


def sync_folder(folder: Path) -> None:
    """Wait until the file names in a folder are on disk, not only the files' content."""
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
