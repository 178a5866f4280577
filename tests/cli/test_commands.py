"""Tests trustsvc/cli/__init__.py and trustsvc/__main__.py."""

import os
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_reader_that_closed_its_end_of_the_pipe_is_no_fault_of_the_data_folder(tmp_path):
    read, write = os.pipe()
    os.close(read)
    environ = os.environ | {"TRUSTSVC_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "trustsvc", "shop", "add", "--help"]

    done = subprocess.run(command, env=environ, stdout=write, stderr=subprocess.PIPE, check=False)

    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")
