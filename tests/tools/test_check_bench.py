import json

import pytest

from tests.tools.benches import run_bench


@pytest.mark.slow
@pytest.mark.processes
def test_the_bench_of_check_and_plan_has_every_order_planned(tmp_path):
    done = run_bench(
        "check", tmp_path, ROUNDS="2", BATCHES="1", REGISTERED="10000", DATABASE="sqlite"
    )

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "check.json").read_text())["results"]
    assert [one["work"].partition(",")[0] for one in found] == ["check", "check and plan"]
    for one in found:
        assert one["ours"] > 0
        assert 0 < one["ratio"] < 1
        assert one["rounds"] == 2
