"""The smallest form of `make drill-hosts`, on every run of `make proofs`.

Also tests:
    tools/drill/networks.py
"""

import os
import subprocess
import sys

import pytest

from tools.drill import drill, networks, three_hosts
from tools.drill.service import ROOT


@pytest.mark.proof
@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.timeout(drill.PATIENCE_S + 600)
def test_a_host_that_is_cut_off_and_killed_loses_nothing_and_nothing_comes_twice(tmp_path):
    if why := networks.missing():
        pytest.skip(why)
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")}
    environ |= {"PYTHONPATH": str(ROOT), "SEED": "2", "SHORT": "1"}
    command = [sys.executable, "-m", "tools.drill.three_hosts"]

    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )

    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout
    assert "| orders lost | 0 | 0 |" in done.stdout


def test_a_run_in_which_a_host_did_nothing_is_not_taken_for_a_proof():
    good = {"orders lost": 0, "answered by host 1": 4, "processes killed on the lost host": 6}

    assert three_hosts.judged(good) == ([], [])
    assert three_hosts.judged(good | {"orders lost": 1})[0] == ["orders lost"]
    missing = "entries missing in the file of a host"
    assert three_hosts.judged(good | {missing: 2})[0] == [missing]
    assert three_hosts.judged(good | {"answered by host 1": 0})[1] == ["answered by host 1"]
