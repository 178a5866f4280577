"""In a process of its own, that ends in each way a process can end."""

import signal
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S, until

PROGRAM = """
import os, signal, sys, time
from multiprocessing.util import _exit_function
from trustsvc.storage import periodic_write

def write():
    with open(sys.argv[1], "a") as file:
        file.write("x")
    if len(sys.argv) > 4:
        raise ValueError(sys.argv[4])

def failed(error):
    with open(sys.argv[1], "a") as file:
        file.write(error)

periodic_write.start("test", float(sys.argv[2]), write, failed)
print("ready", flush=True)
time.sleep(float(sys.argv[3]))
"""


def run(path, interval, seconds, *error):
    words = [sys.executable, "-c", PROGRAM, str(path), str(interval), str(seconds), *error]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "written"
    path.touch()
    return path


def test_it_writes_once_more_when_the_process_ends(written):
    run(written, 3600, 0).communicate(timeout=PATIENCE_S)

    assert written.read_text() == "x"


def test_it_writes_again_and_again(written):
    process = run(written, 0.05, 60)
    try:
        until(lambda: len(written.read_text()) >= 3)
    finally:
        process.kill()
        process.communicate()

    assert len(written.read_text()) >= 3


def test_a_write_that_fails_is_reported_by_its_type_and_tried_again(written):
    process = run(written, 0.05, 60, "kim@mail.example")
    try:
        until(lambda: written.read_text().count("xValueError") >= 2)
    finally:
        process.kill()
        process.communicate()

    assert written.read_text().startswith("xValueErrorxValueError")
    assert "kim" not in written.read_text()


def test_a_killed_process_writes_nothing_more(written):
    process = run(written, 3600, 60)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)

    assert written.read_text() == ""


def test_what_is_repeated_begins_at_once_and_is_not_waited_for_at_the_end(tmp_path):
    path = tmp_path / "written"
    path.touch()
    program = PROGRAM.replace("periodic_write.start(", "periodic_write.repeat(")
    words = [sys.executable, "-c", program, str(path), "3600", "1"]

    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE_S)

    assert path.read_text() == "x"


def test_the_same_is_not_started_twice_in_a_process(tmp_path):
    line = 'periodic_write.start("test", float(sys.argv[2]), write, failed)\n'
    words = [sys.executable, "-c", PROGRAM.replace(line, line * 2), str(tmp_path / "x"), "9", "0"]

    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=PATIENCE_S)

    assert "RuntimeError: test was started twice" in done.stderr
