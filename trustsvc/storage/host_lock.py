"""A lock that one process of a host holds at a time; it ends with the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def try_lock(handle: int) -> Iterator[bool]:
    """Say whether the lock on this open file or folder is ours; closes it in the end."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
