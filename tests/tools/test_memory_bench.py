import json

import pytest

from tests.tools.benches import run_bench


@pytest.mark.slow
@pytest.mark.processes
def test_the_bench_of_memory_weighs_every_process(tmp_path):
    done = run_bench("memory", tmp_path, IDLE="1", SECONDS="")

    assert done.returncode == 0, done.stderr
    whole, without = json.loads((tmp_path / "memory.json").read_text())["results"]
    assert whole["ours"] > without["ours"] > 20
    for name in ("trustsvc up", "web", "worker", "mailer", "scheduler"):
        assert name in done.stdout
