import json
import os
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S


@pytest.mark.slow
@pytest.mark.processes
def test_the_ingest_bench_stores_every_order_it_counts(tmp_path):
    environ = os.environ | {
        "ROUNDS": "1",
        "SECONDS": "5",  # the orders end before
        "ORDERS": "80",
        "OUT": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.ingest"],
        check=False,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "ingest.json").read_text())
    assert set(written["lost"].values()) == {0}
    ours = [row for row in written["rows"] if row["name"].startswith("ours")]
    assert {row["connections"] for row in ours} == {16, 64}
    for row in ours:
        assert row["other_answers"] == 0
        assert row["per_second"] > 0
        assert row["cpu_us"] >= 0
