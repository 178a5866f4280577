import json

import pytest

from bench import peers
from tests.tools.benches import run_bench

NO_ISSO = not (peers.PEERS / "bin" / "isso").exists()


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.browser
@pytest.mark.skipif(NO_ISSO, reason="isso is not installed: make bench-badge")
def test_the_bench_of_the_badge_counts_what_a_page_loads(tmp_path):
    done = run_bench("badge", tmp_path)

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "badge.json").read_text())["results"]
    whole = next(one for one in found if one["work"].endswith("Everything, cold"))
    assert 0 < whole["ours"] < whole["theirs"]
