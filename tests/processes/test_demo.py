"""Tests:
trustsvc/cli/demo.py
trustsvc/cli/demo_service.py
trustsvc/demo/steps.py
trustsvc/demo/sample_shops.py
"""

import os
import re
import signal
import subprocess
import sys

import pytest
import requests

from tests.processes.conftest import free_port
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.proof
def test_the_demo_shows_the_main_job_twice_on_the_same_folder(tmp_path):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")}
    environ["TRUSTSVC_DATA"] = str(tmp_path / "data")

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "trustsvc", "demo", "--once"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

        assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
        assert "Every step held." in done.stdout


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGTERM, "Ctrl-C ends the demo"),
        (signal.SIGHUP, "Posting signed"),  # half-way: the service runs
        (signal.SIGINT, "Posting signed"),
    ],
)
def test_a_demo_that_is_ended_leaves_nothing_running(tmp_path, number, moment):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")}
    # A port of its own: two demos that begin at once would find the same one free.
    environ |= {"TRUSTSVC_DATA": str(tmp_path / "data"), "TRUSTSVC_PORT": str(free_port())}
    demo = subprocess.Popen(
        [sys.executable, "-m", "trustsvc", "demo"],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    output = ""
    while moment not in output:
        line = demo.stdout.readline()
        assert line, output
        output += line
    base = re.search(r"the service at (http\S+)", output)[1]

    demo.send_signal(number)
    demo.wait(PATIENCE_S)

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{base}/livez", timeout=PATIENCE_S)
