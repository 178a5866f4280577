"""A request that does not end takes its process with it; one that waits does not."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

SERVER = """
    import re, threading, time, unicodedata
    from trustsvc.http.request_watchdog import RequestWatchdog

    def app(environ, start_response):
        {work}
        return []

    watched = RequestWatchdog(app, limit_s={limit})
    request = threading.Thread(target=watched, args=({{}}, None))
    request.start()
    request.join()
    time.sleep({idle})
    print("answered")
"""
BUSY = {
    "Python": "while True: pass",
    "one call that keeps the lock": 'unicodedata.normalize("NFC", "\\u0300\\u0315" * 10**6)',
}


def serve(work, limit, idle=0.0):
    code = textwrap.dedent(SERVER).format(work=work, limit=limit, idle=idle)
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize("work", BUSY.values(), ids=BUSY)
def test_a_request_that_keeps_the_process_busy_ends_it(work):
    ended = serve(work, limit=1)

    assert ended.returncode == 1
    assert "answered" not in ended.stdout


def test_a_request_that_waits_and_a_process_without_requests_go_on():
    ended = serve("time.sleep(4)", limit=2, idle=2.5)

    assert (ended.returncode, ended.stdout) == (0, "answered\n")


def test_a_machine_that_was_halted_keeps_its_idle_processes():
    code = textwrap.dedent(SERVER).format(work="", limit=1, idle=6)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    time.sleep(4)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(2)
    os.kill(process.pid, signal.SIGCONT)

    assert process.communicate(timeout=PATIENCE_S)[0] == "answered\n"
    assert process.returncode == 0
