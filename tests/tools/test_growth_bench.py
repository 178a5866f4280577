"""The two benchmarks of a long history, with a short one: that they measure, not what."""

import json
import os
import subprocess
import sys

import pytest

from jobs import schedule
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.processes]


def run(module, folder, **environ):
    return subprocess.run(
        [sys.executable, "-m", f"bench.{module}"],
        check=False,
        env=os.environ | {"DATABASE": "sqlite", "OUT": str(folder)} | environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def test_the_bench_of_growth_measures_every_job_and_page(tmp_path):
    done = run("growth", tmp_path, ROWS="100,300")

    assert done.returncode in {0, 1}, done.stderr
    written = json.loads((tmp_path / "growth.json").read_text())["sqlite"]
    assert set(written) == {"100", "300"}
    names = {one.job for one in schedule.SCHEDULE}
    for costs in written.values():
        assert names | {"/desk/", "/desk/requests", "lease 500"} <= set(costs)
        assert costs["lease 500"][1] > 0


def test_the_bench_of_waiting_writers_counts_their_commits(tmp_path):
    done = run("waiting_writers", tmp_path, ROWS="200")

    assert done.returncode == 0, done.stderr
    lines = json.loads((tmp_path / "waiting.json").read_text())
    assert [line["what"] for line in lines] == ["nothing", "hourly", "nightly"]
    for line in lines:
        assert line["commits"] > 0
        assert line["longest"] >= line["median"] > 0
        assert line["refused"] == 0
