import json

import pytest

from tests.deploy.nginx_server import NGINX
from tests.tools.benches import run_bench


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_the_serving_bench_compares_the_same_answers(tmp_path):
    done = run_bench("serving", tmp_path, ROUNDS="1", SECONDS="0.3")

    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "serving.json").read_text())["rows"]
    assert len(rows) == 8
    for row in rows:
        assert row["per_second"] > 0
        if row["what"] == "ours, json, unchanged":
            assert row["bytes"] <= 300
