"""The two benchmarks of a long history, with a short one: that they measure, not what."""

import json

import pytest

from jobs import schedule
from tests.tools.benches import run_bench

pytestmark = [pytest.mark.slow, pytest.mark.processes]


def test_the_bench_of_growth_measures_every_job_and_page(tmp_path):
    done = run_bench("growth", tmp_path, DATABASE="sqlite", ROWS="100,300")

    assert done.returncode in {0, 1}, done.stderr
    written = json.loads((tmp_path / "growth.json").read_text())["databases"]["sqlite"]
    assert set(written) == {"100", "300"}
    names = {one.job for one in schedule.SCHEDULE}
    for costs in written.values():
        assert names | {"/desk/", "/desk/requests", "lease 500"} <= set(costs)
        assert costs["lease 500"][1] > 0


def test_the_bench_of_waiting_writers_counts_their_commits(tmp_path):
    done = run_bench("waiting_writers", tmp_path, DATABASE="sqlite", ROWS="200")

    assert done.returncode == 0, done.stderr
    lines = json.loads((tmp_path / "waiting.json").read_text())["lines"]
    assert [line["what"] for line in lines] == ["nothing", "hourly", "nightly"]
    for line in lines:
        assert line["commits"] > 0
        assert line["longest"] >= line["median"] > 0
        assert line["refused"] == 0
