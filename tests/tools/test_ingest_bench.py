import json

import pytest

from tests.tools.benches import run_bench


@pytest.mark.slow
@pytest.mark.processes
def test_the_ingest_bench_stores_every_order_it_counts(tmp_path):
    # The orders end before the seconds do.
    done = run_bench("ingest", tmp_path, ROUNDS="1", SECONDS="5", ORDERS="80")

    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "ingest.json").read_text())
    assert set(written["lost"].values()) == {0}
    ours = [row for row in written["rows"] if row["name"].startswith("ours")]
    assert {row["connections"] for row in ours} == {16, 64}
    for row in ours:
        assert row["other_answers"] == 0
        assert row["per_second"] > 0
        assert row["cpu_us"] >= 0
