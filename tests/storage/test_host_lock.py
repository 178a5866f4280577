import os
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S
from trustsvc.storage import host_lock

HOLDER = """
import os, sys
from trustsvc.storage import host_lock
with host_lock.try_lock(os.open(sys.argv[1], os.O_RDONLY)) as is_ours:
    print(is_ours, flush=True)
    sys.stdin.read()
"""


def is_free(folder):
    with host_lock.try_lock(os.open(folder, os.O_RDONLY)) as is_ours:
        return is_ours


@pytest.mark.processes
def test_one_process_holds_it_and_it_ends_with_that_process(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "True\n"

    assert not is_free(tmp_path)
    holder.kill()
    holder.communicate(timeout=PATIENCE_S)
    assert is_free(tmp_path)


def test_it_is_free_again_after_an_error_and_its_handle_is_closed(tmp_path):
    handle = os.open(tmp_path, os.O_RDONLY)

    with pytest.raises(ValueError, match="x"), host_lock.try_lock(handle):
        raise ValueError("x")

    assert is_free(tmp_path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)
