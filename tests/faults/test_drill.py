"""The smallest form of `make drill`, on every run of `make proofs`; both databases at once."""

import json
import os
import subprocess
import sys

import pytest

from tools.drill import drill, sizes
from tools.drill.service import ROOT

SEED = "2"


def start(database, place):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")}
    environ |= {"TRUSTSVC_DATA": str(place), "PYTHONPATH": str(ROOT), "SEED": SEED}
    environ |= {"DATABASE": database, "SHORT": "tested"}
    command = [sys.executable, "-m", "tools.drill.drill"]
    out = (place / f"{database}.txt").open("w")
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT)


@pytest.mark.proof
@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.timeout(drill.PATIENCE_S + 300)
def test_nothing_is_lost_nothing_comes_twice_and_nobody_is_asked_against_their_will(
    tmp_path, postgres
):
    running = {name: start(name, tmp_path) for name in ("sqlite", "postgresql")}

    for database, process in running.items():
        code = process.wait()
        print(said := (tmp_path / f"{database}.txt").read_text())
        assert code == 0, said
        (record,) = (tmp_path / "drills").glob(f"*-{database}.json")
        whole = json.loads(record.read_text())
        assert whole["broken"] == []
        assert whole["minimums"] == sizes.minimums(sizes.TESTED, database)
